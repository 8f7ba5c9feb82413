"""Finds the libraries that the dynamic loader will need, from the ELF files, and their places on this machine."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.hash import ELFHashSection, GNUHashSection
from elftools.elf.segments import InterpSegment

from ..protocol import TocEntry
from .binaries import copy_fit, is_elf
from .ldconfig import listed_libraries

C_LIBRARY = "libc.so.6"
# glibc opens it by name when a thread is ended (pthread_exit).
UNWINDER = "libgcc_s.so.1"
# glibc opens these by name to resolve host names; since 2.34 they are part of libc itself.
RESOLVERS = ("libnss_files.so.2", "libnss_dns.so.2")
LOOKED_UP = {"DT_NEEDED": "needed", "DT_RPATH": "rpath", "DT_RUNPATH": "runpath"}
RESOLVER_IN_LIBC = "_nss_dns_gethostbyname4_r"


@dataclass(frozen=True)
class Linkage:
    """What an ELF file requires of the loader.

    Attributes:
        interpreter: The loader itself; "" for a plain library.
        needed: Names of libraries.
        folders: Folders to search for them first.
    """

    interpreter: str
    needed: tuple[str, ...]
    folders: tuple[str, ...]


def linkage(binary: Path) -> Linkage:
    interpreter, found = "", dict[str, list[str]]()
    with binary.open("rb") as stream:
        elf = ELFFile(stream)
        for segment in elf.iter_segments():
            if isinstance(segment, InterpSegment):
                interpreter = segment.get_interp_name()
            elif isinstance(segment, DynamicSegment):
                for tag in segment.iter_tags():
                    if kind := LOOKED_UP.get(tag.entry.d_tag):
                        found.setdefault(kind, []).append(str(getattr(tag, kind)))
    folders = ":".join(found.get("runpath", found.get("rpath", []))).split(":")
    return Linkage(interpreter, tuple(found.get("needed", [])), tuple(filter(None, folders)))


def machine_of(binary: Path) -> tuple[str, int]:
    """The ELF name of a file's architecture, and its word size in bits."""
    with binary.open("rb") as stream:
        elf = ELFFile(stream)
        return elf["e_machine"], elf.elfclass


@cache
def cached_libraries() -> Mapping[str, Sequence[Path]]:
    return listed_libraries()


def find_library(name: str, machine: tuple[str, int]) -> Path | None:
    """The path of a library for that architecture on this machine, or None."""
    folders = filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":"))
    candidates = [*(Path(folder, name) for folder in folders), *cached_libraries().get(name, [])]
    return next((path for path in candidates if path.is_file() and machine_of(path) == machine), None)


def unwinder(there: Container[str]) -> list[TocEntry]:
    """The entry of the unwinder for a PyInstaller table of contents, unless it is `there` or not on this machine."""
    found = None if UNWINDER in there else find_library(UNWINDER, machine_of(Path(sys.executable)))
    return [(UNWINDER, str(found), "BINARY")] if found else []


def reaches(file: Path, asks: Linkage, name: str) -> bool:
    """Whether the loader finds a library by the search path of the file itself."""
    return any(path.exists() for path in places_of(file, asks, name))


def places_of(file: Path, asks: Linkage, name: str) -> Iterator[Path]:
    """Where the loader looks for a library by the search path of the file itself."""
    for folder in asks.folders:
        yield Path(folder.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", str(file.parent)), name)


def all_places(file: Path) -> list[str]:
    """Where the loader looks for the libraries that a file needs, by its own search path; [] if the file is damaged."""
    try:
        asks = linkage(file)
    except (ELFError, ValueError, LookupError):
        return []
    return [str(path) for name in asks.needed for path in places_of(file, asks, name)]


class SharedLibraries:
    """The shared libraries that the files in a root folder need.

    Attributes:
        root: The folder.
        executable: The program in it, which determines the architecture.
        system: The folder in it that the loader searches by default.
        files: Its ELF files, and what each requires; empty until `complete`.
    """

    def __init__(self, root: Path, executable: Path) -> None:
        self.root = root
        self.executable = executable
        self.machine = machine_of(executable)
        c_library = find_library(C_LIBRARY, self.machine)
        self.c_library = c_library or Path("/lib", C_LIBRARY)
        self.system = root / self.c_library.parent.relative_to("/")
        self.files: dict[Path, Linkage] = {}

    def complete(self, opened_by_name: Iterable[str], *, strip: bool) -> list[tuple[str, str]]:
        """Add the loader and the libraries that are needed.

        Args:
            opened_by_name: Paths of further libraries, which no file links to.
            strip: Whether to remove symbols from what is added.

        Returns:
            Pairs (file, library) where the library is not on this machine, sorted.
        """
        for path in map(Path, opened_by_name):
            copy_fit(path, self.system, path.name, strip=strip)
        self.files = files = {file: linkage(file) for file in self.elf_files()}
        loader = Path(files[self.executable].interpreter).name
        todo = [(file, name) for file in files for name in files[file].needed if not reaches(file, files[file], name)]
        todo += [(self.c_library, name) for name in self.opened_by_libc()]
        lacking = []
        while todo:
            file, name = todo.pop()
            if name == loader or (self.system / name).exists():
                continue
            source = find_library(name, self.machine)
            if source:
                copy = copy_fit(source, self.system, source.name, strip=strip)
                files[copy] = linkage(copy)
                todo += [(source, each) for each in files[copy].needed]
            elif not any(self.root.rglob(name)):
                # A library elsewhere in the tree is loaded by its package before the loader needs it.
                lacking.append((file.name, name))
        return sorted([*lacking, *self.add_loaders(files)])

    def opened_by_libc(self) -> list[str]:
        """The libraries that glibc opens by name, if this machine has them."""
        is_split = not exports(self.c_library, RESOLVER_IN_LIBC)
        return [name for name in (UNWINDER, *(RESOLVERS if is_split else ())) if find_library(name, self.machine)]

    def elf_files(self) -> Iterator[Path]:
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and not path.is_symlink() and is_elf(path):
                yield path

    def linked_by(self) -> dict[str, tuple[str, ...]]:
        """For each needed library, by name, the paths in the root folder of the files that link to it, sorted."""
        found: dict[str, list[str]] = {}
        for file in sorted(self.files):
            for name in self.files[file].needed:
                found.setdefault(name, []).append(f"/{file.relative_to(self.root)}")
        return {name: tuple(found[name]) for name in sorted(found)}

    def add_loaders(self, files: Mapping[Path, Linkage]) -> Iterator[tuple[str, str]]:
        """Copy the loader to each path that a file names; yields pairs (file, loader) of missing ones."""
        for file in files:
            loader = files[file].interpreter
            copy = self.root / loader.lstrip("/")
            if not loader or copy.exists():
                continue
            if Path(loader).exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(loader, copy)
                copy.chmod(0o755)
            else:
                yield file.name, loader


def exports(library: Path, name: str) -> bool:
    """Whether a library exports a symbol, according to one of its hash tables."""
    with library.open("rb") as stream:
        tables = map(ELFFile(stream).get_section_by_name, (".gnu.hash", ".hash"))
        known = [table for table in tables if isinstance(table, (GNUHashSection, ELFHashSection))]
        return any(table.get_symbol(name) is not None for table in known)
