"""How files are told that are too many to be hashed each time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def stamps(paths: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Size in bytes and time of the last change of the files that are there."""
    found = {path: Path(path).stat() for path in paths if Path(path).exists()}
    return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in found.items()}
