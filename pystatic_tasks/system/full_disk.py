"""Disks that are full, as the tools that wrote to them say it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from pystatic_tasks.errors import NO_SPACE, PystaticError, file_error

SAID = tuple(os.strerror(number) for number in NO_SPACE)
# As Python and GNU's tools quote a name, in whatever locale, or as we tell of it.
NAMED = re.compile("['\"\u2018](/[^'\"\u2019]+)['\"\u2019]|(/.+) cannot be read or written")


def says_full(line: str) -> bool:
    """Whether a tool says that it found no space."""
    return any(text in line for text in SAID)


def full_disk(line: str, places: Iterable[Path]) -> PystaticError:
    """The error, with the file that the line names, or the fullest of the places where the tool may have written."""
    named = NAMED.search(line)
    there = [place for place in places if place.is_dir()]
    name = (
        (named[1] or named[2])
        if named
        else str(min(there, key=lambda place: shutil.disk_usage(place).free, default=""))
    )
    number = next(number for number in NO_SPACE if os.strerror(number) in line)
    return file_error(OSError(number, os.strerror(number), name or None))


def temporary_folder(environment: Mapping[str, str]) -> Path:
    """Where a tool with these variables puts temporary files."""
    return Path(environment.get("TMPDIR") or tempfile.gettempdir())
