"""Tells whether files changed: by their hash, or by size and time if they are too many to hash each time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

# The stamp of a missing file.
ABSENT = (-1, -1)


def stamps(paths: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Size in bytes and modification time in nanoseconds of files and folders; ABSENT for missing ones."""
    return {path: stamp(Path(path)) for path in paths}


def stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return ABSENT
    return found.st_size, found.st_mtime_ns


def sha256(path: Path) -> str:
    """The SHA-256 of a file, or "" if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
