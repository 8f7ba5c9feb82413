"""Finds this machine's static busybox: a shell with its tools in one file."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pystatic_tasks.engines.trial import HEADER, MACHINES, SEGMENT
from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.system.machine import ARCHITECTURES

# Its names on Debian and Alpine.
NAMES = ("busybox", "busybox-static", "busybox.static")
INSTALL = "Install it: apt-get install busybox-static."
# The segment with the path of the loader, in programs that need libraries.
INTERPRETER = 3
NUMBERS = {f"linux/{ARCHITECTURES[name]}": machine.number for name, machine in MACHINES.items()}


def find_busybox(platform: str) -> Path:
    """A static busybox for a platform, such as "linux/amd64".

    Raises:
        MissingToolError: there is none on the PATH.
    """
    found = [Path(path) for path in map(shutil.which, NAMES) if path]
    problems = [problem_of(path, platform) for path in found]
    for path, problem in zip(found, problems, strict=True):
        if not problem:
            return path
    raise MissingToolError(
        "shell needs a static busybox, but there is none on the PATH" + (f": {problems[0]}." if problems else "."),
        INSTALL,
    )


def problem_of(path: Path, platform: str) -> str:
    """Why a busybox cannot be used in an image for this platform; "" if it can."""
    content = path.read_bytes()
    try:
        number, segments = machine_and_segments(content)
    except (struct.error, ValueError):
        return f"{path} is not a Linux program"
    if INTERPRETER in segments:
        return f"{path} needs libraries"
    return "" if number == NUMBERS.get(platform) else f"{path} is not for {platform}"


def machine_and_segments(content: bytes) -> tuple[int, Sequence[int]]:
    """The number of an ELF file's machine, and the types of its segments; ValueError if it is not a 64-bit ELF file."""
    header = HEADER.unpack_from(content)
    if header[0][:5] != b"\x7fELF\x02":
        raise ValueError("not a 64-bit ELF file")
    start, count = header[5], header[10]
    return header[2], [SEGMENT.unpack_from(content, start + SEGMENT.size * each)[0] for each in range(count)]


def applets(busybox: Path) -> Sequence[str]:
    """The names of its tools.

    Raises:
        MissingToolError: it does not run here.
    """
    try:
        return subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        raise MissingToolError(
            f"{busybox} does not run on this machine, but shell must ask it for its tools.", INSTALL
        ) from None
