"""Compiles bytecode that is the same whether the analysis is new or kept from an earlier build.

Which objects `marshal` treats as shared depends on everything that the process has done before. So the modules that
PyInstaller would compile during its analysis are compiled separately: those of the project in the process that makes
the program, all others in a process of their own, independent of the project, and only when they have changed.
PyInstaller is kept from compiling plain files itself, since that bytecode would not be used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import zipfile
from collections.abc import Collection, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PyInstaller.building.utils import compile_pymodule, create_base_library_zip

from ..exchange import respond, write
from ..protocol import Compilation, TocEntry
from ..records import to_json
from ..stamps import stamps
from .docstrings import level
from .in_pyinstaller import ask_another

BASE_LIBRARY = "base_library.zip"


def leave_to_us(name: str, source: str, workpath: str, optimize: int, code_cache: object = None) -> str:
    """Like PyInstaller's `compile_pymodule`, but the file stays empty until `compiled_again`."""
    path = Path(workpath, path_of(name, source))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


@contextlib.contextmanager
def compiled_again(
    modules: Sequence[TocEntry], made: Path, own: Collection[Path], optimize: int, documented: Container[str] = ()
) -> Iterator[None]:
    """Compile the modules of the analysis: the project's first, the others while the body runs.

    Args:
        modules: Modules (name, source path, type code) that are not in an archive of modules.
        made: The analysis's folder of generated files.
        own: The project's files.
        optimize: Optimization level.
        documented: Names of the modules that keep their docstrings.

    Raises:
        SystemExit: a module cannot be compiled.
    """
    library, loose = made / BASE_LIBRARY, made / "localpycs" / str(optimize)
    with_source = sorted(entry for entry in modules if entry[1] not in (None, "", "-"))
    compiled = [entry for entry in with_source if (loose / path_of(*entry[:2])).exists()]
    # First, so that the bytecode does not depend on anything that the process does later.
    compile_modules([entry for entry in compiled if Path(entry[1]) in own], loose, optimize, documented)
    others = [entry for entry in compiled if Path(entry[1]) not in own]
    asked = Compilation(
        modules=tuple(others),
        base=tuple(entry for entry in with_source if path_of(*entry[:2]) in names_in(library)),
        made=str(made),
        optimize=optimize,
        documented=tuple(name for name, _, _ in others if name in documented),
    )
    with ThreadPoolExecutor(1) as pool:
        apart = pool.submit(compile_apart, asked, made / "compiled.json")
        yield
        apart.result()


def names_in(library: Path) -> set[str]:
    """The files in the archive of the modules that Python starts with; empty if there is none."""
    if not library.exists():
        return set()
    with zipfile.ZipFile(library) as archive:
        return set(archive.namelist())


def compile_apart(asked: Compilation, note: Path) -> None:
    """Compile in another process, unless the file `note` shows that the same was compiled before."""
    sources = stamps(source for _, source, _ in (*asked.modules, *asked.base))
    key = hashlib.sha256(json.dumps([to_json(asked), sources, sys.version]).encode()).hexdigest()
    if note.exists() and note.read_text(encoding="utf-8") == key:
        return
    note.unlink(missing_ok=True)
    question, answer = note.with_name("compile.question.json"), note.with_name("compile.answer.json")
    write(question, asked)
    ask_another("freeze.bytecode", question, answer, folder=note.parent, work=note.parent / "apart")
    note.write_text(key, encoding="utf-8")


def compile_all(asked: Compilation) -> Compilation:
    """Compile all that is asked for, and return the question as the answer."""
    made = Path(asked.made)
    if asked.base:
        kind = f"PYMODULE-{asked.optimize}" if asked.optimize else "PYMODULE"
        create_base_library_zip(str(made / BASE_LIBRARY), [(name, source, kind) for name, source, _ in asked.base])
    compile_modules(asked.modules, made / "localpycs" / str(asked.optimize), asked.optimize, asked.documented)
    return asked


def compile_modules(modules: Sequence[TocEntry], folder: Path, optimize: int, documented: Container[str]) -> None:
    for name, source, _ in modules:
        compile_pymodule(name, source, str(folder), level(optimize, documented=name in documented))


def path_of(name: str, source: str) -> str:
    """Where PyInstaller puts the bytecode of a module; a source with `__init__` in its path counts as a package."""
    inside = "/__init__" if "__init__" in source else ""
    return f"{name.replace('.', '/')}{inside}.pyc"


def main(question: Path, answer: Path) -> None:
    respond(Compilation, compile_all, question, answer)
