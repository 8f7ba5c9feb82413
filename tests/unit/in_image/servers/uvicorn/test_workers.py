from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys, time
from pystatic_tasks.in_image.servers.uvicorn.workers import Workers

starts = os.memfd_create("starts")

def serve(ready):
    os.write(starts, b".")
    number = os.fstat(starts).st_size
    print(time.monotonic() - begin, flush=True)
    {serve}

begin = time.monotonic()
{before}
sys.exit(Workers({count}, serve).run())
"""
STOP = "signal.signal(signal.SIGTERM, signal.SIG_IGN); os.kill(os.getppid(), signal.SIGTERM)"
STOP_AFTER_TWO = "number == 2 and os.kill(os.getppid(), signal.SIGTERM)"


def run(serve: str, *, count: int = 1, before: str = "") -> tuple[int, list[str]]:
    """Exit code and lines of a program with such workers."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(serve=serve, count=count, before=before)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=20,
        check=False,
    )
    return result.returncode, result.stdout.splitlines()


def test_one_that_ends_at_once_is_replaced_after_a_while() -> None:
    code, (first, second) = run(f"{STOP_AFTER_TWO}; return 0")
    assert code == 0
    assert float(second) - float(first) >= 0.45


def test_one_that_ends_later_is_replaced_at_once() -> None:
    code, (first, second) = run(f"{STOP_AFTER_TWO}; time.sleep(0.5); return 0")
    assert code == 0
    assert float(second) - float(first) < 0.95


@pytest.mark.parametrize("code", [1, 3])
def test_the_exit_code_is_that_of_the_first_that_fails_in_ending(code: int) -> None:
    assert run(f"{STOP}; return {code}")[0] == code


def test_children_count_where_they_are_ignored_by_whoever_started_this() -> None:
    code, lines = run("time.sleep(0.1); return 3", before="signal.signal(signal.SIGCHLD, signal.SIG_IGN)")
    assert code == 3
    assert lines[-1].endswith("failed to start, stopping the parent process.")


def test_children_of_others_are_no_workers() -> None:
    code, lines = run("return 3", before="os.fork() or os._exit(7)")
    assert code == 3
    assert "ended with code 7" not in "".join(lines)
