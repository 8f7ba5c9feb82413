"""Records what a Python process imports, reads, lists and starts, from its first line on.

Its folder is on PYTHONPATH, so that every Python that the program starts loads it; forked processes inherit it.
Each process appends to a file of its own below PYSTATIC_RECORDS: records end with RECORD_END, their fields are
separated by FIELD_END. A program may end at any moment and close any descriptor, so each record is written at once.
"""

from __future__ import annotations

import atexit
import codecs
import functools
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable
from importlib.machinery import BuiltinImporter, ExtensionFileLoader, PathFinder, SourceFileLoader
from importlib.util import module_from_spec
from opcode import opmap
from types import FrameType
from typing import Any

FOLDER = os.environ.get("PYSTATIC_RECORDS", "")
FIELD_END, RECORD_END = "\x1f", "\x1e"
IMPORT_STATEMENT = opmap["IMPORT_NAME"]
IMPORT_SYSTEM = "<frozen importlib"
# Its function that looks for a module, and those that load modules of machine code.
FIND = "_find_and_load"
BEGINNING = [
    getattr(loader, name).__code__
    for loader in (ExtensionFileLoader, BuiltinImporter)
    for name in ("create_module", "exec_module")
]
# Modules that read sources: for any caller, and only to show lines in a message.
READING = ("linecache.py", "tokenize.py", "inspect.py")
SHOWING = ("traceback.py", "warnings.py")
# Functions of `inspect` that describe all frames of a stack, most often only for their names.
DESCRIBING = ("getouterframes", "getinnerframes")
# Modules that list folders to find something by name.
FINDING = ("pkgutil.py", "metadata/__init__.py")
# Modules that start programs, and modules that do so to learn about the machine and can do without.
STARTING = ("subprocess.py", "/os.py")
ASKING = ("ctypes/util.py", "platform.py", "uuid.py", "sysconfig.py", "sysconfig/__init__.py")
# A file opened with one of these flags has no content to read.
MADE_ANEW = os.O_TRUNC | os.O_EXCL | os.O_DIRECTORY
LOCALES = "/usr/lib/locale/"
# Of a file's mode, as in the module `stat`: what says of which type it is, and a regular file.
FILE_TYPE, REGULAR = 0o170000, 0o100000
# Endings of files of code.
LOOKED_AT = (".py", ".pyc", ".so")
# Their name in pystatic.lock.
CHARACTER_NAMES = "unicodedata.names"

_seen: set[tuple[str, ...]] = set()


def record(*fields: str) -> None:
    if fields in _seen:
        return
    _seen.add(fields)
    text = FIELD_END.join(fields) + RECORD_END
    descriptor = os.open(f"{FOLDER}/{os.getpid()}", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        os.write(descriptor, text.encode("utf-8", "surrogateescape"))
    finally:
        os.close(descriptor)


def hear(event: str, arguments: Any) -> None:
    note = NOTES.get(event)
    if note is not None:
        try:
            note(arguments, sys._getframe(1))
        except Exception:
            # Exceptions from here would reach the program.
            return


def note_open(arguments: Any, frame: FrameType) -> None:
    path, mode, flags = arguments
    path = os.path.abspath(os.fsdecode(path))
    if path.startswith(FOLDER) or is_no_file(path, mode):
        return
    if flags & os.O_ACCMODE != os.O_RDONLY:
        if flags & os.O_CREAT or os.path.exists(path):
            record("changed", path)
        if reads(flags):
            record("updated", path)
        return
    module, caller = wanted_module(frame)
    if module:
        record("module", module, path, way_of_import(caller))
    elif not shows_a_line(frame):
        record("file", path)


def is_no_file(path: str, mode: str | None) -> bool:
    """Whether `open` rejects a path because it is a folder; `os.open`, which has no mode, may open folders.

    For resources of a package without an `__init__.py`, Python tries to open each parent folder as an archive.
    """
    return mode is not None and os.path.isdir(path)


def reads(flags: int) -> bool:
    """Whether a file opened with these flags can be read and may have content."""
    mode = flags & os.O_ACCMODE
    return mode == os.O_RDONLY or (mode == os.O_RDWR and not flags & MADE_ANEW)


def note_extension(arguments: Any, frame: FrameType) -> None:
    """Record a module of machine code; other modules are recorded when their files are opened."""
    module, path, *_ = arguments
    if path is not None:
        record("module", module, os.path.abspath(path), way_of_import(wanted_module(frame)[1]))


def note_listing(arguments: Any, frame: FrameType) -> None:
    code = frame.f_code
    finds = code.co_filename.startswith(IMPORT_SYSTEM) or code.co_filename.endswith(FINDING)
    record("searched" if finds else "folder", os.path.abspath(os.fsdecode(arguments[0] or ".")))


def note_change(arguments: Any, frame: FrameType) -> None:
    """Record what is created, renamed or removed; the last arguments are the folder descriptors of the paths."""
    paths = [os.fsdecode(each) for each in arguments if isinstance(each, (str, bytes, os.PathLike))]
    for path, descriptor in zip(paths, arguments[-len(paths) :], strict=True):
        whole = whole_path(path, descriptor)
        if not whole.startswith(FOLDER):
            record("changed", whole)


def whole_path(path: str, descriptor: int) -> str:
    """The absolute form of a path relative to an open folder, or to the current one if the descriptor is negative."""
    folder = os.readlink(f"/proc/self/fd/{descriptor}") if descriptor >= 0 else ""
    return os.path.abspath(os.path.join(folder, path))


def note_database(arguments: Any, frame: FrameType) -> None:
    for path in database_files(arguments[0]):
        record("written", path)


def database_files(name: Any) -> list[str]:
    """The paths of the files that SQLite may write for a database of that name, which may be a URI or a path."""
    name = os.fsdecode(name)
    paths = [name, path_of_uri(name)] if name.startswith("file:") else [name]
    there = [os.path.abspath(path) for path in paths if path and path != ":memory:"]
    return [f"{path}{suffix}" for path in there for suffix in ("", "-journal", "-wal", "-shm")]


def path_of_uri(uri: str) -> str:
    """The path in `file:PATH?query#fragment` or `file://host/PATH`, unescaped: https://sqlite.org/uri.html"""
    path = uri.removeprefix("file:").partition("#")[0].partition("?")[0]
    if path.startswith("//"):
        path = f"/{path[2:].partition('/')[2]}"
    first, *others = os.fsencode(path).split(b"%")
    return os.fsdecode(first + b"".join(map(unescaped, others)))


def unescaped(rest: bytes) -> bytes:
    """Decode what follows a "%"; without two hexadecimal digits, the "%" stands for itself."""
    try:
        return bytes([int(rest[:2], 16)]) + rest[2:]
    except ValueError:
        return b"%" + rest


def note_link(arguments: Any, frame: FrameType) -> None:
    _, path, _, descriptor = arguments
    record("written", whole_path(os.fsdecode(path), descriptor))


def note_library(arguments: Any, frame: FrameType) -> None:
    name = arguments[0]
    if isinstance(name, str) and name and "/" not in name:
        record("wanted", name)


def note_program(arguments: Any, frame: FrameType | None) -> None:
    while frame and frame.f_code.co_filename.endswith(STARTING):
        frame = frame.f_back
    if frame is None or not frame.f_code.co_filename.endswith(ASKING):
        record("program", os.fsdecode(arguments[0]))


def note_shell(arguments: Any, frame: FrameType | None) -> None:
    """Record that a shell was started, but not its command, which may contain secrets."""
    note_program(("sh",), frame)


def wanted_module(frame: FrameType | None) -> tuple[str, FrameType | None]:
    """The module that the import system opens a file for, or "" if it is not an import; and the importing frame.

    The frame is None for an import by machine code, which has no frame: by an extension module that is being loaded.
    """
    module, is_found = "", False
    while frame and frame.f_code.co_filename.startswith(IMPORT_SYSTEM):
        if frame.f_code.co_name == "get_code":
            module = frame.f_locals["fullname"]
        if is_found and frame.f_code in BEGINNING:
            return module, None
        is_found = is_found or frame.f_code.co_name == FIND
        frame = frame.f_back
    return module, frame


def way_of_import(frame: FrameType | None) -> str:
    """How a module is imported: by a "statement", which an analysis of the code finds, or only by "name"."""
    by_statement = frame is not None and frame.f_code.co_code[frame.f_lasti] == IMPORT_STATEMENT
    return "statement" if by_statement else "name"


def shows_a_line(frame: FrameType | None) -> bool:
    """Whether a source is read only to show lines of it, which the caller can do without."""
    while frame and frame.f_code.co_filename.endswith(READING):
        if frame.f_code.co_name in DESCRIBING:
            return True
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.endswith(SHOWING)


def note_mapped() -> None:
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for kind, path in mapped(maps):
            record(kind, path)


def mapped(maps: Iterable[str]) -> set[tuple[str, str]]:
    """The shared libraries and the locale files (which C code reads) in lines of /proc/PID/maps."""
    paths = {"/" + line.rstrip("\n").partition("/")[2] for line in maps}
    libraries = {("library", path) for path in paths if ".so" in path}
    return libraries | {("file", path) for path in paths if path.startswith(LOCALES)}


def note_names() -> None:
    """Have uses of character names recorded; the compilation of "\\N{…}" reads them in another way."""
    name, lookup, replace = unicodedata.name, unicodedata.lookup, codecs.lookup_error("namereplace")

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            record("loaded", CHARACTER_NAMES)
            return function(*given)

        return call

    unicodedata.name, unicodedata.lookup = noting(name), noting(lookup)
    codecs.register_error("namereplace", noting(replace))


class Noting:
    """`os.stat`, which causes no audit event, with the files that are there recorded.

    It is no function, because a function in the body of a class, such as that of Python 3.10's pathlib, is a method.
    """

    def __init__(self, function: Callable[..., os.stat_result]) -> None:
        self._function = function
        functools.update_wrapper(self, function)

    def __call__(self, *given: Any, **named: Any) -> os.stat_result:
        result = self._function(*given, **named)
        try:
            note_check(given[0] if given else named["path"], named.get("dir_fd"), result)
        except Exception:
            # As in `hear`.
            return result
        return result


def note_check(path: Any, folder: int | None, result: os.stat_result) -> None:
    """Record a file whose existence, size or time is asked for; sources are looked at for many other reasons."""
    if folder is None and not isinstance(path, int) and result.st_mode & FILE_TYPE == REGULAR:
        whole = os.path.abspath(os.fsdecode(path))
        if not whole.endswith(LOOKED_AT) and not whole.startswith(FOLDER):
            record("checked", whole)


def note_checks() -> None:
    """Have `os.stat` recorded, by whatever name it is called from now on."""
    noting = Noting(os.stat)
    for known in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
        if os.stat in known:
            known.add(noting)
    os.stat = noting


def import_from_sources() -> None:
    """Have modules compiled each time, except for those of this Python and of its packages.

    Python takes bytecode for that of a source of the same size and time, even if the source is another one.
    """
    stats_of, own = SourceFileLoader.path_stats, (f"{sys.prefix}/", f"{os.path.dirname(os.__file__)}/")

    def path_stats(loader: SourceFileLoader, path: str) -> Any:
        is_imported = sys._getframe(1).f_code.co_filename.startswith(IMPORT_SYSTEM)
        if is_imported and not os.path.abspath(path).startswith(own):
            # Without stats, bytecode is neither read nor written.
            raise OSError(path)
        return stats_of(loader, path)

    SourceFileLoader.path_stats = path_stats  # type: ignore[assignment, method-assign]


def run_the_next() -> None:
    """Run the `sitecustomize` that Python would have found without this folder."""
    here = os.path.dirname(__file__)
    sys.path[:] = [folder for folder in sys.path if folder != here]
    spec = PathFinder.find_spec("sitecustomize")
    if spec and spec.loader:
        spec.loader.exec_module(module_from_spec(spec))


# By audit event: https://docs.python.org/3/library/audit_events.html
NOTES: dict[str, Callable[[Any, FrameType], None]] = {
    "open": note_open,
    "import": note_extension,
    "os.listdir": note_listing,
    "os.scandir": note_listing,
    "os.mkdir": note_change,
    "os.remove": note_change,
    "os.rename": note_change,
    "os.rmdir": note_change,
    "os.link": note_link,
    "sqlite3.connect": note_database,
    "ctypes.dlopen": note_library,
    "subprocess.Popen": note_program,
    "os.exec": note_program,
    "os.posix_spawn": note_program,
    "os.system": note_shell,
}

if FOLDER:
    # Modules that Python and this module have already loaded cause no event when they are imported later.
    for name in list(sys.modules):
        record("loaded", name)
    note_names()
    note_checks()
    import_from_sources()
    sys.addaudithook(hear)
    atexit.register(note_mapped)
    run_the_next()
