"""Recognizes messages of tools about full disks."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from pystatic_tasks.errors import NO_SPACE, PystaticError, file_error

SAID = tuple(os.strerror(number) for number in NO_SPACE)
# A name as Python and GNU tools quote it, in any locale, or as in our own messages.
NAMED = re.compile("['\"\u2018](/[^'\"\u2019]+)['\"\u2019]|(/.+) cannot be read or written")


def says_full(line: str) -> bool:
    """Whether a tool reports that there is no space."""
    return any(text in line for text in SAID)


def full_disk(line: str, places: Iterable[Path]) -> PystaticError:
    """The error, with the file in the line, or the fullest of the places where the tool may have written."""
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
    """The folder for temporary files of a tool with these variables."""
    return Path(environment.get("TMPDIR") or tempfile.gettempdir())
