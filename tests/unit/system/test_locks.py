from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pystatic_tasks.system.locks import try_lock, wait_for_lock

HOLD = """
import os, sys
from pystatic_tasks.system.locks import wait_for_lock
wait_for_lock(os.open(sys.argv[1], os.O_RDWR))
print("held", flush=True)
sys.stdin.read()
"""


def test_one_process_has_a_lock_and_may_take_it_twice(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    descriptor = os.open(tmp_path / "lock", os.O_RDWR)
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        assert not try_lock(descriptor)
        other.stdin.close()
        wait_for_lock(descriptor)
    assert try_lock(descriptor)
    os.close(descriptor)
