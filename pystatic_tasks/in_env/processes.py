"""Finds and kills the processes of a session: one program and all that it starts."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path


def session(leader: int) -> Iterator[int]:
    """The process ids of the session that a process leads, without zombies."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                # The program's name, in parentheses, may contain any characters.
                fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                if fields[3] == str(leader) and fields[0] != "Z":
                    yield int(folder.name)


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all others in the session that it leads."""
    for pid in session(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
