"""The processes of a session, which are what one program and all that it starts come to."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path


def session(leader: int) -> Iterator[int]:
    """The processes of the session that a process leads, without those that have ended."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                # The name of the program, in parentheses, may hold anything.
                fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                if fields[3] == str(leader) and fields[0] != "Z":
                    yield int(folder.name)


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all others of the session that it leads."""
    for pid in session(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
