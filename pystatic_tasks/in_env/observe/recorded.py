"""Reads the recorder's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .recorder.sitecustomize import FIELD_END, RECORD_END

PLURALS = {
    "library": "libraries",
    **{name: name for name in ("checked", "searched", "changed", "updated", "written", "wanted")},
}
KINDS = {"file", "folder", "program", *PLURALS}


@dataclass(frozen=True)
class Records:
    """The records of all processes of a program.

    Attributes:
        modules: Triples of a module's name, the file that it was loaded from, and "statement" or "name" for the way of
            the import.
        files: Paths of files that were read.
        checked: Paths of files that were found to be there, except code, whether or not they were read.
        folders: Paths of folders that were listed.
        searched: Paths of folders that were listed to find modules, or metadata of distributions.
        changed: Paths of files and folders that were created, renamed, removed, or opened for writing.
        updated: Paths of files that were opened for reading and writing, whether or not they existed.
        written: Paths of databases and hard links, which may have been written without an event in `changed`.
        libraries: Paths of shared libraries that were mapped.
        wanted: Names of shared libraries that the program opened or tried to open.
        programs: Programs that were started.
    """

    modules: set[tuple[str, str, str]] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    checked: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    searched: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    updated: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    libraries: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)
    programs: set[str] = field(default_factory=set)


def read_records(folder: Path) -> Records:
    """Read the records of all processes from a folder."""
    found = Records()
    for path in sorted(folder.iterdir()):
        for kind, *fields in records_in(path.read_bytes()):
            if kind == "module" and len(fields) == 3:
                found.modules.add((fields[0], fields[1], fields[2]))
            elif kind in KINDS and len(fields) == 1:
                getattr(found, PLURALS.get(kind, f"{kind}s")).add(fields[0])
    return found


def records_in(written: bytes) -> list[list[str]]:
    """The fields of each record of a process, without an incomplete last one."""
    text = written.decode("utf-8", "surrogateescape")
    return [each.split(FIELD_END) for each in text.split(RECORD_END)[:-1]]


def records_between(folder: Path, begin: Mapping[str, int], end: Mapping[str, int]) -> Iterator[list[str]]:
    """The records that processes wrote between two moments, each given by the sizes of their files in bytes."""
    for name, size in end.items():
        with (folder / name).open("rb") as file:
            file.seek(begin.get(name, 0))
            yield from records_in(file.read(size - file.tell()))
