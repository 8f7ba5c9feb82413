from __future__ import annotations

import os
import subprocess
import sys
import threading

from support import tool_or_skip

from pystatic_tasks.engines.foreground import run_in_foreground
from pystatic_tasks.in_env.processes import kill_session

READING = """
import os, sys
from pystatic_tasks.engines.foreground import run_in_foreground
sys.exit(run_in_foreground([sys.executable, "-c", PROGRAM], os.environ))
"""
READS = "import sys; print(sys.stdin.readline().strip()[::-1], flush=True); sys.exit(3)"
# Runs a program in the foreground of the terminal that it is given, and says what came of it.
AT_TERMINAL = """
import os, signal, sys, termios
from pystatic_tasks.engines.foreground import run_in_foreground

before = termios.tcgetattr(0)
code = run_in_foreground([sys.executable, "-c", PROGRAM], os.environ)
print("code", code, before == termios.tcgetattr(0), os.tcgetpgrp(0) == os.getpgrp(), flush=True)
"""
TAKES_THE_TERMINAL = """
import os, signal, sys, termios, time
os.setpgid(0, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
os.tcsetpgrp(0, os.getpgrp())
settings = termios.tcgetattr(0)
settings[3] &= ~termios.ECHO
termios.tcsetattr(0, termios.TCSANOW, settings)
os.kill(os.getpid(), signal.SIGKILL)
"""
WAITS_FOR_CTRL_C = """
import sys, time
try:
    print("ready", flush=True)
    time.sleep(20)
except KeyboardInterrupt:
    sys.exit(7)
"""


def test_it_reads_and_writes_what_we_do() -> None:
    code = READING.replace("PROGRAM", repr(READS))
    result = subprocess.run([sys.executable, "-c", code], input="abc\n", capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (3, "cba\n", "")


def test_a_signal_that_ends_it_is_told() -> None:
    assert run_in_foreground([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], os.environ) == -9


def test_it_has_the_variables_that_are_given() -> None:
    program = "import os, sys; sys.exit(int(os.environ['CODE']) + ('HOME' in os.environ))"
    assert run_in_foreground([sys.executable, "-c", program], {"CODE": "5"}) == 5


def test_a_thread_may_run_it() -> None:
    codes: list[int] = []
    program = [sys.executable, "-c", "raise SystemExit(4)"]
    thread = threading.Thread(target=lambda: codes.append(run_in_foreground(program, os.environ)))
    thread.start()
    thread.join(20)
    assert codes == [4]


def at_terminal(program: str, typed: bytes = b"") -> str:
    """What is written to a terminal, at which something is typed as soon as somebody is ready for it."""
    setsid = tool_or_skip("setsid")
    ours, theirs = os.openpty()
    script = AT_TERMINAL.replace("PROGRAM", repr(program))
    process = subprocess.Popen(
        [setsid, "--ctty", sys.executable, "-c", script], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    written = b""
    try:
        while True:
            try:
                written += os.read(ours, 2**16)
            except OSError:
                break
            if typed and b"ready\r\n" in written:
                os.write(ours, typed)
                typed = b""
        process.wait(20)
    finally:
        kill_session(process)
        os.close(ours)
    return written.decode().replace("\r\n", "\n")


def test_the_terminal_is_ours_again_and_as_it_was() -> None:
    assert at_terminal(TAKES_THE_TERMINAL) == "code -9 True True\n"


def test_ctrl_c_is_for_it_alone() -> None:
    said = at_terminal(WAITS_FOR_CTRL_C, b"\x03")
    assert said.replace("^C", "") == "ready\ncode 7 True True\n"
