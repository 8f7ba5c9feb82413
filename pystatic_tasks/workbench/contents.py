"""What a frozen program holds, read back from the program itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from PyInstaller.archive.readers import CArchiveReader

KINDS = {"b": "binary", "x": "data", "Z": "data"}


def list_contents(program: Path) -> list[dict[str, Any]]:
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
    parts += [{"name": name, "kind": "bytecode", "size_bytes": size} for name, size in bytecode.items()]
    return sorted(parts, key=lambda part: (-part["size_bytes"], part["name"]))
