"""Which shared libraries a process had mapped that no other file asks for, so that an analysis misses them."""

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

# glibc's own conversions of characters, which it opens where its locale wants them.
CONVERSIONS = "gconv"


def opened_by_name(mapped: Iterable[str], modules: Iterable[str]) -> set[Path]:
    """Paths of the libraries that were opened by name, each under the name that it bears (DT_SONAME).

    Args:
        mapped: Paths of all that was mapped.
        modules: Paths of the extension modules among them.
    """
    library = Path(sysconfig.get_path("stdlib"))
    loaded = set(map(Path, modules))
    files = sorted({Path(path) for path in mapped if Path(path).is_file()} - loaded)
    libraries = {name_of(path): path for path in files if not path.is_relative_to(library)}
    program = [Path(sys.executable).resolve(), *(path for path in loaded if path.suffix == ".so")]
    opened = {name: path for name, path in libraries.items() if not is_of_python(path)}
    # Most are asked for by what was loaded; all modules of Python are read only for what is left.
    for files in (program, sorted(library.glob("lib-dynload/*.so"))):
        asked_for = reachable(files, libraries) if opened else set()
        opened = {name: path for name, path in opened.items() if name not in asked_for}
    inner = set().union(*(reachable([path], opened) for path in opened.values()))
    return {named(path, name) for name, path in opened.items() if name not in inner}


def is_of_python(path: Path) -> bool:
    """Whether it is of the C library or of Python, which are in every program."""
    return bool(GLIBC.match(path.name)) or CONVERSIONS in path.parts or path.name.startswith("libpython")


def reachable(files: Iterable[Path], known: dict[str, Path]) -> set[str]:
    """The names of all libraries that the files ask for, and those that these ask for."""
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
    """What a library calls itself, or its file's name."""
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
    """The library under the name by which it is opened, where the system has it so."""
    link = path.parent / name
    return link if link.exists() else path
