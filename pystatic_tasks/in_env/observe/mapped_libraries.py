"""Finds mapped shared libraries that no other file links to, which an analysis therefore misses."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from ..elf.shared_libraries import linkage
from ..installed.layer_assignment import GLIBC

# glibc's character conversions, which it opens if the locale needs them.
CONVERSIONS = "gconv"


def opened_by_name(mapped: Iterable[str], modules: Iterable[str]) -> set[Path]:
    """Paths of the libraries that were opened by name, each under its own name (DT_SONAME).

    Args:
        mapped: Paths of all mapped files.
        modules: Paths of the extension modules among them.
    """
    library = Path(sysconfig.get_path("stdlib"))
    loaded = set(map(Path, modules))
    files = sorted({Path(path) for path in mapped if Path(path).is_file()} - loaded)
    libraries = {name_of(path): path for path in files if not path.is_relative_to(library)}
    program = [Path(sys.executable).resolve(), *(path for path in loaded if path.suffix == ".so")]
    opened = {name: path for name, path in libraries.items() if not is_of_python(path)}
    # What was loaded links to most of them; all modules of Python are read only for the rest.
    for files in (program, sorted(library.glob("lib-dynload/*.so"))):
        asked_for = reachable(files, libraries) if opened else set()
        opened = {name: path for name, path in opened.items() if name not in asked_for}
    inner = set().union(*(reachable([path], opened) for path in opened.values()))
    return {named(path, name) for name, path in opened.items() if name not in inner}


def is_of_python(path: Path) -> bool:
    """Whether it belongs to the C library or to Python, which are in every program."""
    return bool(GLIBC.match(path.name)) or CONVERSIONS in path.parts or path.name.startswith("libpython")


def reachable(files: Iterable[Path], known: dict[str, Path]) -> set[str]:
    """The names of all libraries that the files need, directly or through other libraries."""
    found: set[str] = set()
    todo = list(files)
    while todo:
        for name in needed(todo.pop()):
            if name not in found:
                found.add(name)
                todo += [known[name]] if name in known else []
    return found


def needed(path: Path) -> Sequence[str]:
    try:
        return linkage(path).needed
    except (OSError, ELFError):
        return ()


def name_of(path: Path) -> str:
    """The name that a library declares (DT_SONAME), or its file name."""
    try:
        with path.open("rb") as stream:
            for segment in ELFFile(stream).iter_segments():
                if isinstance(segment, DynamicSegment):
                    for tag in segment.iter_tags("DT_SONAME"):
                        return str(vars(tag)["soname"])
    except (OSError, ELFError):
        pass
    return path.name


def named(path: Path, name: str) -> Path:
    """The path of a library under its declared name, if the system has it; otherwise its own path."""
    link = path.parent / name
    return link if link.exists() else path
