"""PyInstaller's analysis, kept for as long as it would come out the same.

It takes most of the time of a build, and a changed line of the project seldom changes it.
So it is kept with a key of all that decides it: what was asked, what is installed, which files
the project has, and what its modules import.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from binaries import TocEntry
from imports import read_modules
from owners import is_local

FILE = "analysis.json"


@dataclass(frozen=True)
class Analysed:
    """PyInstaller's tables of contents: entries (name in the program, source path, type code).

    `loose` are the modules that are no part of `pure`, since their compiled form is part of `datas`.
    """

    scripts: Sequence[TocEntry]
    pure: Sequence[TocEntry]
    loose: Sequence[TocEntry]
    binaries: Sequence[TocEntry]
    datas: Sequence[TocEntry]


TABLES = ("scripts", "pure", "loose", "binaries", "datas")


def own_files(folders: Iterable[str], loose: Iterable[str]) -> dict[str, Path]:
    """The project's own files by the names under which they are imported.

    Args:
        folders: Folders that are imported from where they are.
        loose: Files in these folders.
    """
    found = {}
    for distribution in importlib.metadata.distributions():
        for file in (distribution.files or ()) if is_local(distribution) else ():
            found[str(file)] = Path(str(distribution.locate_file(file)))
    for path in map(Path, loose):
        folder = next(folder for folder in map(Path, folders) if path.is_relative_to(folder))
        found[str(path.relative_to(folder))] = path
    return {name: path for name, path in found.items() if path.is_file() and path.suffix != ".pyc"}


def key_of(asked: Any, own: Mapping[str, Path]) -> str:
    """One hash of what decides an analysis.

    Args:
        asked: What it is asked for, as JSON.
        own: The project's own files.
    """
    modules = {name: path for name, path in own.items() if path.suffix == ".py"}
    content = [asked, sys.version, installed(), sorted(own), read_modules(modules)]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=repr).encode()).hexdigest()


def installed() -> list[Any]:
    """The distributions in this environment, with the files of all that are not the project's."""
    return sorted(
        [each.metadata["Name"], each.version, "" if is_local(each) else each.read_text("RECORD")]
        for each in importlib.metadata.distributions()
    )


def load(folder: Path, key: str) -> Analysed | None:
    """What is kept in a folder, if it is of that key and made from files that are still the same."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        is_same = content["key"] == key and content["stamps"] == stamps(content["stamps"])
        return from_tables(content) if is_same else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def from_tables(content: Mapping[str, Any]) -> Analysed:
    return Analysed(**{name: list(map(tuple, content[name])) for name in TABLES})


def write(path: Path, analysed: Analysed, **more: Any) -> None:
    """Write an analysis as JSON, with more beside it."""
    tables = {name: list(getattr(analysed, name)) for name in TABLES}
    path.write_text(json.dumps({**more, **tables}), encoding="utf-8")


def analyse(folder: Path, asked: Any, spec: Path) -> Analysed:
    """Let another PyInstaller analyse, so that what this one does next is the same with and without it.

    Args:
        folder: Where files go that it makes itself; anything else there is removed.
        asked: What analysis.spec reads.
        spec: That file.

    Raises:
        SystemExit: it failed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    request, answer = folder / "request.json", folder / "answer.json"
    request.write_text(json.dumps(asked), encoding="utf-8")
    paths = ("--distpath", folder, "--workpath", made_in(folder).parent)
    command = (sys.executable, "-m", "PyInstaller", spec, "--noconfirm", *paths, "--", request, answer)
    code = subprocess.run(list(map(str, command)), check=False).returncode
    if code:
        raise SystemExit(code)
    return from_tables(json.loads(answer.read_text(encoding="utf-8")))


def made_in(folder: Path) -> Path:
    """Where PyInstaller makes files of its own: in a folder with the name of analysis.spec."""
    return folder / "made" / "analysis"


def save(folder: Path, key: str, analysed: Analysed, changing: Iterable[Path]) -> None:
    """Keep an analysis in a folder.

    Args:
        folder: The folder.
        key: What decided it.
        analysed: The analysis.
        changing: Files, and folders with files, whose contents it does not depend on.
    """
    left_out = set(changing)
    sources = {entry[1] for name in TABLES for entry in getattr(analysed, name) if is_file(entry)}
    fixed = sorted(source for source in sources if left_out.isdisjoint((Path(source), *Path(source).parents)))
    write(folder / FILE, analysed, key=key, stamps=stamps(fixed))


def is_file(entry: TocEntry) -> bool:
    """Whether an entry has a file as its source; namespace packages have none, and links have a target."""
    return entry[1] not in (None, "", "-") and entry[2] not in ("SYMLINK", "OPTION")


def stamps(paths: Iterable[str]) -> dict[str, list[int]]:
    """Size and modification time of the files that are there."""
    found = {path: Path(path).stat() for path in paths if Path(path).exists()}
    return {path: [stat.st_size, stat.st_mtime_ns] for path, stat in found.items()}
