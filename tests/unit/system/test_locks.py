from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pystatic_tasks.system.locks import try_lock, wait_for_lock

HOLD = """
import os, sys
from pystatic_tasks.system.locks import wait_for_lock
wait_for_lock(os.open(sys.argv[1], os.O_RDWR), of_process=sys.argv[2] == "True")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    (tmp_path / "lock").touch()
    return tmp_path / "lock"


@pytest.mark.parametrize("of_process", [True, False])
def test_one_process_has_a_lock(lock: Path, of_process: bool) -> None:
    descriptor = os.open(lock, os.O_RDWR)
    command = [sys.executable, "-c", HOLD, str(lock), str(of_process)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        assert not try_lock(descriptor, of_process=of_process)
        other.stdin.close()
        wait_for_lock(descriptor, of_process=of_process)
    os.close(descriptor)


@pytest.mark.parametrize("of_process", [True, False])
def test_a_process_may_take_its_own_lock_again(lock: Path, of_process: bool) -> None:
    first, second = (os.open(lock, os.O_RDWR) for _ in range(2))
    assert try_lock(first, of_process=of_process)
    assert try_lock(second, of_process=of_process) is of_process
    os.close(first)
    os.close(second)
