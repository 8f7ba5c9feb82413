"""Tells whether files changed: by their hash, or by size, time and mode if they are too many to hash each time."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable
from pathlib import Path

Stamp = tuple[int, int, int]

# The stamp of a missing file.
ABSENT = (-1, -1, 0)
EXECUTED_BY_ANY = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


def stamps(paths: Iterable[str]) -> dict[str, Stamp]:
    """The stamps of files and folders.

    Each is the size in bytes, the modification time in nanoseconds, and who may execute it, as bits of its mode;
    ABSENT for missing ones.
    """
    return {path: stamp(Path(path)) for path in paths}


def stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return ABSENT
    return found.st_size, found.st_mtime_ns, found.st_mode & EXECUTED_BY_ANY


def sha256(path: Path) -> str:
    """The SHA-256 of a file, or "" if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
