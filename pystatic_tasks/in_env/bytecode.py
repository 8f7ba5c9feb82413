"""Bytecode that is the same whether the analysis before it was made now or kept.

Which objects `marshal` takes for shared depends on all that a process has done before, so the modules
that PyInstaller compiles during its analysis are compiled once more, in the process that makes the program.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Container, Sequence
from pathlib import Path

from PyInstaller.building.utils import compile_pymodule, create_base_library_zip

from .docstrings import level
from .protocol import TocEntry

BASE_LIBRARY = "base_library.zip"


def compile_again(
    modules: Sequence[TocEntry], made: Path, own: Collection[Path], optimize: int, documented: Container[str] = ()
) -> None:
    """Compile anew what the analysis compiled.

    Args:
        modules: Modules (name, source path, type code) that are no part of an archive of modules.
        made: Where the analysis left what it made.
        own: The project's files, which come last, so that a change in them changes no other.
        optimize: Level of optimization.
        documented: Names of the modules that keep their docstrings.
    """
    library, loose = made / BASE_LIBRARY, made / "localpycs" / str(optimize)
    with_source = [entry for entry in modules if entry[1] not in (None, "", "-")]
    if library.exists():
        with zipfile.ZipFile(library) as archive:
            names = set(archive.namelist())
        kind = f"PYMODULE-{optimize}" if optimize else "PYMODULE"
        base = [(name, source, kind) for name, source, _ in with_source if path_of(name, source) in names]
        create_base_library_zip(str(library), base)
    for name, source, _ in sorted(with_source, key=lambda entry: (Path(entry[1]) in own, entry[0])):
        if (loose / path_of(name, source)).exists():
            compile_pymodule(name, source, str(loose), level(optimize, documented=name in documented))


def path_of(name: str, source: str) -> str:
    """Where PyInstaller puts the bytecode of a module."""
    inside = "/__init__" if Path(source).stem == "__init__" else ""
    return f"{name.replace('.', '/')}{inside}.pyc"
