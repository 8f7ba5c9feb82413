"""How files are told that are too many to be hashed each time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

# Of what is not there.
ABSENT = (-1, -1)


def stamps(paths: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Size in bytes and time of the last change of files and folders; ABSENT for those that are not there."""
    return {path: stamp(Path(path)) for path in paths}


def stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return ABSENT
    return found.st_size, found.st_mtime_ns
