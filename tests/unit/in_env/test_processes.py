from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from pystatic_tasks.in_env.processes import kill_session, session


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[bytes]]:
    """A process that leads a session, and has started another in it."""
    command = ["sh", "-c", "sleep 60 & echo $!; wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        yield process
        process.kill()


def child_of(leader: subprocess.Popen[bytes]) -> int:
    assert leader.stdout is not None
    return int(leader.stdout.readline())


def test_the_processes_of_a_session(leader: subprocess.Popen[bytes]) -> None:
    child = child_of(leader)
    assert sorted(session(leader.pid)) == sorted([leader.pid, child])
    os.kill(child, signal.SIGKILL)
    leader.wait(10)
    assert list(session(leader.pid)) == []


def test_what_has_ended_and_was_not_waited_for_is_none_of_them() -> None:
    with subprocess.Popen(["true"], start_new_session=True) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert list(session(process.pid)) == []


def test_all_of_them_are_killed(leader: subprocess.Popen[bytes]) -> None:
    child_of(leader)
    kill_session(leader)
    assert leader.returncode == -signal.SIGKILL
    end = time.monotonic() + 10
    while list(session(leader.pid)) and time.monotonic() < end:
        time.sleep(0.01)
    assert list(session(leader.pid)) == []
