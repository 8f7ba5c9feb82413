"""Lists the contents of a frozen program, with their sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from PyInstaller.archive.readers import CArchiveReader

from ..elf.binaries import is_elf
from ..installed.layer_assignment import source_of
from ..protocol import Part, PartKind, Placed

KINDS: Mapping[str, PartKind] = {"b": "binary", "x": "data", "Z": "data"}


def list_archive(program: Path) -> list[Part]:
    """The parts of a one-file program: binaries, data files and packages of bytecode.

    Returns:
        The largest first.
    """
    archive = CArchiveReader(str(program))
    parts = []
    bytecode: Counter[str] = Counter()
    for name, (_, _, size, _, kind) in archive.toc.items():
        if name.endswith(".pyz"):
            for module, (_, _, length) in archive.open_embedded_archive(name).toc.items():
                bytecode[module.partition(".")[0]] += length
        elif kind in KINDS:
            parts.append(Part(name=name, kind=KINDS[kind], size_bytes=size))
    return largest_first(parts, bytecode)


def names_in_archive(program: Path) -> dict[str, list[str]]:
    """The names of all members of a one-file program, each with the names of its modules if it is an archive."""
    archive = CArchiveReader(str(program))
    return {
        name: list(archive.open_embedded_archive(name).toc) if name.endswith(".pyz") else [] for name in archive.toc
    }


def sizes_in_archive(program: Path, location: str, inside: str) -> Iterator[Placed]:
    """The files of a one-file program; archives of modules are replaced by their modules.

    Args:
        program: Its path.
        location: Where it is in the image.
        inside: The separator between an archive and a path inside it.
    """
    archive = CArchiveReader(str(program))
    for name, (_, _, size, _, _) in archive.toc.items():
        if name.endswith(".pyz"):
            for module, (_, _, length) in archive.open_embedded_archive(name).toc.items():
                yield Placed(location=f"{location}{inside}{name}{inside}{module}", size_bytes=length)
        else:
            yield Placed(location=f"{location}{inside}{name}", size_bytes=size)


def list_tree(root: Path, folders: Sequence[Path]) -> list[Part]:
    """The parts of a tree, the largest first.

    Args:
        root: The folder of the tree.
        folders: Folders that modules are imported from; the first one that contains a module determines its name.
    """
    parts = []
    bytecode: Counter[str] = Counter()
    for path in sorted(each for each in root.rglob("*") if each.is_file() and not each.is_symlink()):
        size = path.stat().st_size
        if path.suffix == ".pyc":
            folder = next(each for each in folders if path.is_relative_to(each))
            bytecode[source_of(path.relative_to(folder)).parts[0].removesuffix(".py")] += size
        else:
            kind: PartKind = "binary" if is_elf(path) else "data"
            parts.append(Part(name=str(path.relative_to(root)), kind=kind, size_bytes=size))
    return largest_first(parts, bytecode)


def largest_first(parts: Iterable[Part], bytecode: Counter[str]) -> list[Part]:
    packages = [Part(name=name, kind="bytecode", size_bytes=size) for name, size in bytecode.items()]
    return sorted([*parts, *packages], key=lambda part: (-part.size_bytes, part.name))
