from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import atexit, sys, threading, time
from pystatic_tasks.in_image.leaving import leave

def work():
    time.sleep(0.1)
    print("thread ends")

class Noisy:
    def __del__(self):
        print("taken apart")

kept = Noisy()
atexit.register(print, "registered")
threading.Thread(target=work).start()
print("begins")
leave({code})
"""


@pytest.mark.parametrize(
    ("code", "status", "error"), [("None", 0, ""), ("0", 0, ""), ("3", 3, ""), ("'no database'", 1, "no database\n")]
)
def test_all_is_done_but_to_free_the_memory(code: str, status: int, error: str) -> None:
    command = [sys.executable, "-c", CODE.format(code=code)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert (result.returncode, result.stderr) == (status, error)
    assert result.stdout == "begins\nthread ends\nregistered\n"


def test_what_fails_at_the_end_is_told_and_ends_nothing_else() -> None:
    code = "import atexit\nfrom pystatic_tasks.in_image.leaving import leave\n"
    code += "atexit.register(print, 'first')\natexit.register(lambda: 1 / 0)\nleave(0)\n"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert (result.returncode, result.stdout) == (0, "first\n")
    assert "ZeroDivisionError" in result.stderr
