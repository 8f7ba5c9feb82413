"""What a frozen program holds, and how large it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from binaries import is_elf
from PyInstaller.archive.readers import CArchiveReader

KINDS = {"b": "binary", "x": "data", "Z": "data"}


def list_archive(program: Path) -> list[dict[str, Any]]:
    """The parts of a one-file program: binaries, data files and packages of bytecode.

    Returns:
        [{"name", "kind": "binary" | "data" | "bytecode", "size_bytes"}], the largest first;
        sizes are those before compression.
    """
    archive = CArchiveReader(str(program))
    parts = []
    bytecode: Counter[str] = Counter()
    for name, (_, _, size, _, kind) in archive.toc.items():
        if name.endswith(".pyz"):
            for module, (_, _, length) in archive.open_embedded_archive(name).toc.items():
                bytecode[module.partition(".")[0]] += length
        elif kind in KINDS:
            parts.append({"name": name, "kind": KINDS[kind], "size_bytes": size})
    return largest_first(parts, bytecode)


def names_in_archive(program: Path) -> dict[str, list[str]]:
    """Everything that a one-file program holds, by name; for its archives of modules the modules' names."""
    archive = CArchiveReader(str(program))
    return {
        name: list(archive.open_embedded_archive(name).toc) if name.endswith(".pyz") else [] for name in archive.toc
    }


def list_tree(root: Path, folders: Sequence[Path]) -> list[dict[str, Any]]:
    """The same of a tree: of all files below `root`, with what is imported from the first folder that has it."""
    parts = []
    bytecode: Counter[str] = Counter()
    for path in sorted(each for each in root.rglob("*") if each.is_file() and not each.is_symlink()):
        size = path.stat().st_size
        if path.suffix == ".pyc":
            folder = next(each for each in folders if path.is_relative_to(each))
            bytecode[path.relative_to(folder).parts[0].removesuffix(".pyc")] += size
        else:
            kind = "binary" if is_elf(path) else "data"
            parts.append({"name": str(path.relative_to(root)), "kind": kind, "size_bytes": size})
    return largest_first(parts, bytecode)


def largest_first(parts: Iterable[dict[str, Any]], bytecode: Counter[str]) -> list[dict[str, Any]]:
    packages = [{"name": name, "kind": "bytecode", "size_bytes": size} for name, size in bytecode.items()]
    return sorted([*parts, *packages], key=lambda part: (-part["size_bytes"], part["name"]))
