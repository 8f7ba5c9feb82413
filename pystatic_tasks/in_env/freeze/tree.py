"""Lays out a program as plain files: the interpreter, what it imports, and a script that starts it.

The root folder looks like that of a Python built from source, reduced to what the program needs:

    /NAME                                         the script, run by the interpreter
    /usr/local/bin/python3.X                      the interpreter
    /usr/local/lib/python3.X/                     its standard library, as .pyc files
    /usr/local/lib/python3.X/site-packages/       the project and its dependencies
    /lib/…                                        the system's libraries, where the loader looks for them
"""

from __future__ import annotations

import importlib.util
import marshal
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from ..elf.binaries import copy_fit
from ..elf.shared_libraries import SharedLibraries, find_library, linkage, machine_of
from ..installed.layer_assignment import belongs_to_interpreter, folder_of_python, is_beside_packages, source_of
from ..protocol import TocEntry
from .docstrings import level

PREFIX = Path("usr/local")
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
LIBRARY = PREFIX / "lib" / VERSION
PACKAGES = LIBRARY / "site-packages"
INTERPRETER = PREFIX / "bin" / VERSION
EXTENSIONS = "lib-dynload"
LIBPYTHON = re.compile(r"libpython\d")
# PEP 552: a .pyc that is never compared with its source.
PYC_HEADER = importlib.util.MAGIC_NUMBER + (0b01).to_bytes(4, "little") + bytes(8)

# The module that explains why others are missing.
EXPLAINING = "pystatic_left_out"
# -I: neither variables nor the current folder decide what is imported; -S: nor does `site`; -u: logs are not held back.
SCRIPT = """\
#!/{interpreter} -ISu{optimize}
import os
import sys
from _frozen_importlib_external import SourcelessFileLoader

if os.getpid() == 1:
    import signal

    # The kernel keeps from process 1 what it does not handle. A server has handlers of its own later.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
# Python's own variable for this, which it does not read where others are not to decide on what is imported.
if os.environ.get("PYTHONPROFILEIMPORTTIME"):
    import time

    now, begins = time.monotonic_ns(), "program" if "importtime" in sys._xoptions else "interpreter"
    print(f"start time: {{now // 10**9}} s {{now % 10**9}} ns: {{begins}}", file=sys.stderr)
    if begins == "interpreter":
        os.execv(sys.executable, [sys.executable, "-X", "importtime", *sys.orig_argv[1:]])
sys.path.append("/{packages}")
{explain}__file__ = "/{packages}/{entry}"
# Tracebacks ask the loader for the lines of a script that has no source; those of this one are not its.
__loader__ = SourcelessFileLoader(__name__, __file__)
exec(__loader__.get_code(__name__))
"""


@dataclass(frozen=True, kw_only=True)
class LaidOut:
    """What laying out a tree has found; see `FrozenProgram`."""

    missing: tuple[tuple[str, str], ...]
    linked_by: Mapping[str, tuple[str, ...]]


def lay_out(
    root: Path,
    name: str,
    contents: Iterable[TocEntry],
    entry: Path,
    libraries: Sequence[str],
    *,
    title: str,
    optimize: int,
    documented: bool,
    explaining: Path | None = None,
    strip: bool,
) -> LaidOut:
    """Replace the root folder.

    Args:
        root: The folder.
        name: Name of the script.
        contents: Entries of PyInstaller's tables of contents (name in the program, source path, type code);
            their binaries are already prepared.
        entry: The entry script.
        libraries: Paths of shared libraries that are opened only by name.
        title: Name of the entry script in tracebacks.
        optimize: Optimization level.
        documented: Whether the entry script keeps its docstrings at any level.
        explaining: Source of the module that explains why others are missing, if any are.
        strip: Whether to remove symbols from what is added.
    """
    shutil.rmtree(root, ignore_errors=True)
    # Without this folder, Python complains at every start.
    (root / LIBRARY / EXTENSIONS).mkdir(parents=True)
    interpreter = Path(sys.executable).resolve()
    executable = copy_fit(interpreter, root, str(INTERPRETER), strip=strip)
    shared_libraries = SharedLibraries(root, executable)
    needed = linkage(executable).needed
    contents = list(contents)
    sources = {destination for destination, _, _ in contents if destination.endswith(".py")}
    for destination, source, kind in contents:
        is_library = "/" not in destination and kind in ("BINARY", "SYMLINK")
        if not is_library:
            path = root / folder_of(destination, source) / destination.removeprefix(f"{VERSION}/")
            is_beside = path.suffix == ".pyc" and str(source_of(Path(destination))) in sources
            place(beside_source(path, optimize) if is_beside else path, source, kind)
        elif kind != "SYMLINK" and (destination in needed or not LIBPYTHON.match(destination)):
            place(shared_libraries.system / destination, source, kind)
    code = compile_code(entry, title, level(optimize, documented=documented))
    write_bytecode(root / PACKAGES / f"{entry.stem}.pyc", code)
    if explaining:
        write_bytecode(root / PACKAGES / f"{EXPLAINING}.pyc", compile_code(explaining, explaining.name, optimize))
    write_script(root, name, entry.stem, optimize, explains=explaining is not None)
    missing = shared_libraries.complete(libraries, strip=strip)
    return LaidOut(missing=tuple(missing), linked_by=shared_libraries.linked_by())


def needs_libpython(interpreter: Path) -> bool:
    """Whether an interpreter links to a shared libpython, as one built with --enable-shared does."""
    return any(LIBPYTHON.match(name) for name in linkage(interpreter).needed)


def beside_source(bytecode: Path, optimize: int) -> Path:
    """Where Python looks for the bytecode of a source that is in the program too, so as not to compile it again."""
    source = bytecode.with_suffix(".py")
    return Path(importlib.util.cache_from_source(str(source), optimization=optimize or ""))


def folder_of(destination: str, source: str) -> Path:
    if is_beside_packages(Path(source), folder_of_python("data")):
        return PREFIX
    return LIBRARY if belongs_to_interpreter(Path(destination)) else PACKAGES


def place(path: Path, source: str, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "SYMLINK":
        path.symlink_to(source)
    else:
        shutil.copy(source, path)


def compile_code(source: Path, title: str, optimize: int) -> CodeType:
    return compile(source.read_bytes(), title, "exec", dont_inherit=True, optimize=optimize)


def write_bytecode(path: Path, code: CodeType) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PYC_HEADER + marshal.dumps(code))


def write_script(root: Path, name: str, entry: str, optimize: int, *, explains: bool) -> None:
    """Write the script in the root, which executes the code of the entry script."""
    text = SCRIPT.format(
        interpreter=INTERPRETER,
        optimize="O" * optimize,
        packages=PACKAGES,
        entry=f"{entry}.pyc",
        explain=f"import {EXPLAINING}\n" if explains else "",
    )
    (root / name).write_text(text, encoding="utf-8")
    (root / name).chmod(0o755)


def machine_files(root: Path) -> list[str]:
    """The files of this machine that the interpreter and the system's libraries of a tree were taken from."""
    interpreter = Path(sys.executable).resolve()
    machine = machine_of(interpreter)
    system = [path for path in root.rglob("*.so*") if not path.is_relative_to(root / PREFIX)]
    found = [find_library(path.name, machine) or Path("/", path.relative_to(root)) for path in system]
    return sorted({str(interpreter), *map(str, found)})
