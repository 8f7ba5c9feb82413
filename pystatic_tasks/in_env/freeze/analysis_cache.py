"""Keeps PyInstaller's analysis for as long as its result would be the same.

The analysis takes most of the time of a build, and changes to the project rarely change it.
So it is kept with a key of everything that it depends on: the inputs, what is installed, which files
the project has, what its modules import, and what PyInstaller's hooks were seen to read besides.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError

from ..elf.binaries import is_elf
from ..elf.shared_libraries import all_places, linkage
from ..exchange import read, read_answer, write
from ..installed.distributions import installed_distributions
from ..installed.layer_assignment import is_local
from ..installed.package_data import tells_of_the_machine
from ..protocol import Analysed, AnalysisInputs, TocEntry
from ..stamps import Stamp, sha256, stamps
from .imports import Reading, decisive, read_modules
from .in_pyinstaller import ANALYSIS, ask_another
from .lookups import place_of

# Hooks take plugins from the first; the second names packages that are spread over several folders.
METADATA = ("entry_points.txt", "namespace_packages.txt")
BYTECODE = "__pycache__"
# PyInstaller also reads the imports in stubs of extension modules.
SOURCES = (".py", ".pyi")
# The group of entry points by which PyInstaller finds hooks of installed packages.
HOOKS = "pyinstaller40"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An analysis, the key of what it depends on, and the stamps of the files that it was made from."""

    key: str
    stamps: Mapping[str, Stamp]
    analysed: Analysed


@dataclass(frozen=True)
class Basis:
    """What an analysis may depend on.

    Attributes:
        content: What it depends on in any case, as JSON.
        readings: What was read of the project's modules.
    """

    content: Any
    readings: Mapping[str, Reading]

    def key(self, analysed: Analysed) -> str:
        """A hash of everything that this analysis depends on."""
        content = [self.content, decisive(self.readings, analysed.searched, analysed.hooked)]
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=repr).encode()).hexdigest()


def own_files(folders: Iterable[str], loose: Iterable[str]) -> dict[str, Path]:
    """The project's own files by the names under which they are imported, without files that installers write.

    Args:
        folders: Folders with code that is not installed.
        loose: Files in these folders.
    """
    found = {}
    for distribution in installed_distributions():
        for file in (distribution.files or ()) if is_local(distribution) else ():
            if not tells_of_the_machine(str(file)):
                found[str(file)] = Path(str(distribution.locate_file(file)))
    for path in map(Path, loose):
        folder = next(folder for folder in map(Path, folders) if path.is_relative_to(folder))
        found[str(path.relative_to(folder))] = path
    return {name: path for name, path in found.items() if path.is_file() and BYTECODE not in path.parts}


def basis_of(asked: Any, own: Mapping[str, Path]) -> Basis:
    """What an analysis may depend on now.

    Args:
        asked: Its inputs, as JSON.
        own: The project's own files.
    """
    modules = {name: path for name, path in own.items() if path.suffix in SOURCES}
    whole = own if brings_hooks() else {name: path for name, path in own.items() if path.suffix == ".pyc"}
    read = [asked_by_binaries(own), {name: sha256(path) for name, path in whole.items()}]
    return Basis([asked, sys.version, sys.path, installed(), sorted(own), read], read_modules(modules))


def brings_hooks() -> bool:
    """Whether the project brings hooks for PyInstaller: these may read anything of it."""
    return any(each.entry_points.select(group=HOOKS) for each in filter(is_local, installed_distributions()))


def asked_by_binaries(own: Mapping[str, Path]) -> dict[str, Any]:
    """What the project's ELF files require of the loader: it decides which libraries are included."""
    return {name: asked_by(path) for name, path in binaries(own)}


def asked_by(binary: Path) -> Any:
    """What one ELF file requires of the loader, and what is there of it; a hash of the whole file if it is damaged."""
    try:
        return [astuple(linkage(binary)), [place for place in all_places(binary) if Path(place).exists()]]
    except (ELFError, ValueError, LookupError):
        return sha256(binary)


def looked_for(own: Mapping[str, Path]) -> tuple[str, ...]:
    """Where the loader looks for libraries by the search paths of the project's ELF files."""
    return tuple(sorted({place for _, path in binaries(own) for place in all_places(path)}))


def binaries(own: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """The project's ELF files, with their names."""
    return ((name, path) for name, path in own.items() if path.is_file() and is_elf(path))


def installed() -> list[Any]:
    """The distributions in this environment, with the file lists of all that are not the project's."""
    return sorted(
        [each.metadata["Name"], each.version, *(said_by(each) if is_local(each) else [each.read_text("RECORD")])]
        for each in installed_distributions()
    )


def said_by(project: importlib.metadata.Distribution) -> list[str]:
    """What PyInstaller and its hooks read of a project's metadata, besides its name and version."""
    return ["\n".join(project.requires or ()), *(project.read_text(name) or "" for name in METADATA)]


def load(folder: Path, basis: Basis) -> Analysed | None:
    """The analysis kept in a folder, if it, its files and where modules are found have not changed; otherwise None."""
    try:
        kept = read(Kept, folder / ANALYSIS)
    except (OSError, ValueError):
        return None
    is_current = kept.key == basis.key(kept.analysed) and kept.stamps == stamps(kept.stamps)
    return kept.analysed if is_current and finds_the_same(kept.analysed) else None


def finds_the_same(analysed: Analysed) -> bool:
    """Whether an analysis would find all modules that it looked for where it found them, and still miss the others."""
    return all(
        place_of(module, each.folders) == place for each in analysed.lookups for module, place in each.places.items()
    )


def analyse(folder: Path, inputs: AnalysisInputs) -> Analysed:
    """Analyse in another PyInstaller process, so that this one does the same with a new and a kept analysis.

    Args:
        folder: The folder for its files; anything else there is removed.
        inputs: Inputs of the analysis.

    Raises:
        SystemExit: the analysis failed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    question, answer = folder / "question.json", folder / "answer.json"
    write(question, inputs)
    ask_another("freeze.analysis", question, answer, folder=folder, work=made_in(folder).parent)
    return read_answer(Analysed, answer)


def made_in(folder: Path) -> Path:
    """The folder for PyInstaller's own files; it is named after pyinstaller.spec."""
    return folder / "made" / "pyinstaller"


def save(folder: Path, basis: Basis, analysed: Analysed, changing: Iterable[Path]) -> None:
    """Keep an analysis in a folder.

    Args:
        folder: The folder.
        basis: What it depends on, as it was before.
        analysed: The analysis.
        changing: Files, and folders of files, whose contents it does not depend on.
    """
    left_out = set(changing)
    sources = {entry[1] for entry in entries(analysed) if is_file(entry)}
    fixed = sorted(source for source in sources if left_out.isdisjoint((Path(source), *Path(source).parents)))
    write(folder / ANALYSIS, Kept(key=basis.key(analysed), stamps=stamps(fixed), analysed=analysed))


def entries(analysed: Analysed) -> Iterator[TocEntry]:
    return chain(analysed.scripts, analysed.pure, analysed.loose, analysed.binaries, analysed.datas)


def is_file(entry: TocEntry) -> bool:
    """Whether the source of an entry is a file; namespace packages have no source, links have a target."""
    return entry[1] not in (None, "", "-") and entry[2] not in ("SYMLINK", "OPTION")
