"""Finds what may be left out of a program, and leaves it out; a name stands for everything inside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from importlib.machinery import EXTENSION_SUFFIXES, FrozenImporter
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from PyInstaller.compat import PY3_BASE_MODULES

from ..elf.shared_libraries import linkage
from ..installed.layer_assignment import RUNNER
from ..names import around, is_among, module_of, top_of
from ..protocol import Analysed, TocEntry

# Modules that C code imports, also after errors and at exit; everything that they import stays too.
BY_PYTHON_ITSELF = {
    *("_compat_pickle", "_strptime", "copyreg", "fcntl", "threading", "unicodedata"),
    *("encodings.aliases", "encodings.ascii", "encodings.idna", "encodings.latin_1", "encodings.utf_8", "stringprep"),
    *("linecache", "token", "tokenize", "traceback"),
    # For names in zip archives without the flag for UTF-8.
    "encodings.cp437",
}
# Only for numbers of many thousand digits. What it imports may go: `decimal` is large.
BY_PYTHON_AT_LAST = {"_pylong"}
# Modules that PyInstaller's self-extracting archive imports before the program.
BY_ARCHIVE = ("inspect", "zipfile")
# Modules to leave out of a program without TLS, and the module that gets a replacement.
TLS = ("_ssl", "_hashlib")
STAND_IN = "ssl"
# Modules that `hashlib` uses instead of OpenSSL.
HASHES = {"_blake2", "_md5", "_sha1", "_sha2", "_sha256", "_sha3", "_sha512"}
EXTENSIONS_OF_PYTHON = "lib-dynload"
# Modules by whose files Python finds its library.
LANDMARKS = {"os"}


def may_be_left_out(analysed: Analysed, own: Iterable[str]) -> list[str]:
    """The names of everything that may be left out of a program, sorted.

    Args:
        analysed: The program.
        own: Names of the project's top-level packages and modules, which stay.
    """
    staying = {*own, RUNNER}
    needed_by_these = loaded_with(name for name in BY_PYTHON_ITSELF if find_spec(name))
    always = {*PY3_BASE_MODULES, *needed_by_these, *BY_PYTHON_AT_LAST, *HASHES}
    always |= {parent for name in always for parent in around(name)}
    names = {name for entry in everything(analysed) if (name := name_of(entry))}
    folders = {name for name in names if name.endswith("/")}
    modules = names - folders
    packages = modules | {parent for name in modules for parent in around(name)}
    # The data of a package belongs to the package.
    found = modules | {name for name in folders if name.rstrip("/").replace("/", ".") not in packages}
    return sorted(name for name in found - always if top_of(name) not in staying)


def slimmed(analysed: Analysed, left_out: Collection[str], python: Path) -> Analysed:
    """The program without what is left out, and without the shared libraries that nothing needs any more.

    Args:
        analysed: The whole program.
        left_out: Names, in the form of pystatic.lock.
        python: The file that runs as Python: an interpreter, or the shared libpython.
    """
    if not left_out:
        return analysed

    def stay(entries: Iterable[TocEntry]) -> tuple[TocEntry, ...]:
        return tuple(entry for entry in entries if not is_among(name_of(entry), left_out))

    return Analysed(
        scripts=analysed.scripts,
        pure=stay(analysed.pure),
        loose=stay(analysed.loose),
        binaries=needed(stay(analysed.binaries), python),
        datas=tuple(entry for entry in stay(analysed.datas) if not is_held_twice(entry)),
    )


def is_held_twice(entry: TocEntry) -> bool:
    """Whether it is a file of a module that is also built into the interpreter, which never reads the file."""
    name = name_of(entry)
    if not entry[0].endswith(".pyc") or name in LANDMARKS:
        return False
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return getattr(spec, "loader", None) is FrozenImporter or FrozenImporter.find_spec(name) is not None


def needed(binaries: Sequence[TocEntry], python: Path) -> tuple[TocEntry, ...]:
    """The extension modules, the shared libraries that they or Python need, and Python's own library."""
    extensions = [entry for entry in binaries if entry[2] == "EXTENSION"]
    libraries = {PurePosixPath(name).name: Path(source) for name, source, kind in binaries if kind == "BINARY"}
    todo = [python, *(Path(source) for _, source, _ in extensions)]
    names = {python.name} & set(libraries)
    while todo:
        new = {name for name in linkage(todo.pop()).needed if name in libraries} - names
        names |= new
        todo += [libraries[name] for name in new]
    kept = [entry for entry in binaries if entry[2] == "EXTENSION" or PurePosixPath(entry[0]).name in names]
    return tuple(kept)


def loaded_with(modules: Iterable[str]) -> set[str]:
    """The names of all modules that are loaded in a new Python after it has imported these."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    command = [sys.executable, "-IS", "-c", code]
    return set(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split())


def everything(analysed: Analysed) -> list[TocEntry]:
    return [*analysed.pure, *analysed.loose, *analysed.binaries, *analysed.datas]


def name_of(entry: TocEntry) -> str:
    """The name of an entry's module, or of a data file's folder; "" for what always stays."""
    place, _, kind = entry
    path = PurePosixPath(place)
    if kind == "EXTENSION":
        suffix = next(each for each in EXTENSION_SUFFIXES if place.endswith(each))
        parts = PurePosixPath(place.removesuffix(suffix)).parts
        return parts[-1] if EXTENSIONS_OF_PYTHON in parts else ".".join(parts)
    if kind.startswith("PYMODULE"):
        return place
    if kind != "DATA" or path.parts[0].endswith(".dist-info") or len(path.parts) == 1 != place.endswith(".pyc"):
        return ""
    if path.suffix == ".pyc":
        return module_of(path.with_suffix(".py"))
    return f"{path.parent}/"


def without_tls(analysed: Analysed, stand_in: Path, bytecode: Path) -> Analysed:
    """The program with another module in place of `ssl`.

    Args:
        analysed: The program.
        stand_in: Source of that module.
        bytecode: Its bytecode.
    """

    def replaced(entries: Iterable[TocEntry], name: str, source: Path) -> tuple[TocEntry, ...]:
        return tuple((each[0], str(source), each[2]) if each[0] == name else each for each in entries)

    return replace(
        analysed,
        pure=replaced(analysed.pure, STAND_IN, stand_in),
        datas=replaced(analysed.datas, f"{STAND_IN}.pyc", bytecode),
    )
