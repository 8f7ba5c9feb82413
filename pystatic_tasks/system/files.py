"""Walks, hashes and reads files, and writes them whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

from pystatic_tasks.errors import MAKE_WRITABLE, NO_SPACE, PystaticError

# The names that `beside` uses until a file is complete.
TEMPORARY_NAMES = ".*.part"
# Linux's limits in bytes: PATH_MAX without its final zero, and NAME_MAX.
LONGEST_PATH = 4095
LONGEST_NAME = 255
# The number of links that Linux follows in one path.
MOST_LINKS = 40
NODE_MODULES = "node_modules"
EXECUTED_BY_ANY = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
# For text that people and their tools write; locks of large projects have some megabytes.
LARGEST_TEXT = 64 * 2**20
# For what steps write: it names each file of an image, of which there are at most 250 000.
LARGEST_RECORD = 256 * 2**20
# The number of bytes that are read at once.
PIECE = 2**20
# Windows does not have the second, and only Windows has the third.
READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows has none.
WRITE_ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
# A virtual environment, a cache (https://bford.info/cachedir/), and finished builds by CMake and Ninja.
MARKS = (("pyvenv.cfg",), ("CACHEDIR.TAG",), ("CMakeCache.txt", "CMakeFiles"), ("build.ninja", ".ninja_log"))
# Folders with one of these also contain files that people wrote: a package, and a project for CMake.
WRITTEN = ("__init__.py", "CMakeLists.txt")
# Our steps may build in folders with one of these; a project without any has the locks of its images.
OF_PROJECTS = ("pyproject.toml", "setup.py", "setup.cfg", "noxfile.py")


def fingerprint(parts: Any) -> str:
    """The SHA-256 of any value that JSON or `str` can represent."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class Kind(Enum):
    """What a path is, after all links: a folder, a regular file, or something else such as a dangling link."""

    FOLDER = "folder"
    FILE = "file"
    OTHER = "other"


def walk(folder: Path, leave_out: Callable[[Path], bool] = lambda _: False) -> Iterator[Path]:
    """Everything below a folder, folders before their content; links to folders are followed, but never into a loop."""
    return (Path(path) for path, _ in scan(folder, leave_out))


def walk_files(folder: Path, leave_out: Callable[[Path], bool] = lambda _: False) -> Iterator[Path]:
    """The files among what `walk` finds."""
    return (Path(path) for path, kind in scan(folder, leave_out) if kind is Kind.FILE)


def scan(folder: Path, leave_out: Callable[[Path], bool] = lambda _: False) -> Iterator[tuple[str, Kind]]:
    """As `walk`, with what each path is; as texts, since a project may have tens of thousands of files."""
    # Without recursion: folders may be nested deeper than Python's stack allows.
    waiting = within(str(folder), frozenset())
    while waiting:
        path, kind, above = waiting.pop()
        if kind is not Kind.FOLDER:
            yield path, kind
        elif os.path.realpath(path) not in above and not leave_out(Path(path)):
            yield path, kind
            waiting += within(path, above)


def within(folder: str, above: frozenset[str]) -> list[tuple[str, Kind, frozenset[str]]]:
    """The content of a folder in reverse order, each with what it is, and the folders above it."""
    above |= {os.path.realpath(folder)}
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name, reverse=True)
    return [(entry.path, kind_of(entry), above) for entry in found]


def kind_of(entry: os.DirEntry[str]) -> Kind:
    # For anything but a link, the folder's list says it, so that the system is not asked.
    asked = Path(entry.path) if entry.is_symlink() else entry
    return Kind.FOLDER if asked.is_dir() else Kind.FILE if asked.is_file() else Kind.OTHER


def source_files(folder: Path) -> Iterator[Path]:
    """The files that people wrote for a project: without hidden folders, and without those that tools create."""
    results = (folder / "build", folder / "dist")
    return walk_files(folder, leave_out=lambda path: path in results or is_left_by_tools(path))


def packable_files(folder: Path) -> Iterator[str]:
    """All files of a project that a build backend may include, in whatever folder they are."""
    return (path for path, kind in scan(folder, is_unpackable) if kind is Kind.FILE)


def is_packable(folder: Path, path: Path) -> bool:
    """Whether `packable_files` of a folder would include this path below it, or its content; it need not exist."""
    between = [each for each in (path, *path.parents) if folder in each.parents]
    return bool(between) and not any(map(is_unpackable, between))


def is_unpackable(folder: Path) -> bool:
    return is_ours(folder) or is_made_again(folder)


def is_left_by_tools(folder: Path) -> bool:
    """Whether it is hidden, or has installed JavaScript or generated files."""
    return folder.name.startswith(".") or folder.name == NODE_MODULES or is_made_again(folder)


def is_made_again(folder: Path) -> bool:
    """Whether it has a repository's own files, bytecode, metadata of builds, or is marked as generated."""
    by_name = folder.name in (".git", ".hg", ".svn", "__pycache__") or folder.name.endswith(".egg-info")
    return by_name or is_marked(folder)


def is_marked(folder: Path) -> bool:
    """Whether all of a folder's content is generated, according to the marks of tools."""
    marked = any(all((folder / name).exists() for name in names) for names in MARKS)
    return marked and not any((folder / name).exists() for name in WRITTEN)


def is_ours(folder: Path) -> bool:
    """Whether our steps created a folder, for this project or for another one beside it."""
    if folder.name != "pystatic" or folder.parent.name not in ("build", "dist"):
        return False
    project = folder.parents[1]
    return any((project / name).exists() for name in OF_PROJECTS) or any((project / "build/pystatic").glob("*/lock"))


def hash_tree(path: Path) -> str:
    """One hash of a file, or of all files below a folder except for bytecode; "" if it does not exist."""
    if not path.exists():
        return ""
    return hash_files(path.parent, tree_paths(path))


def tree_paths(path: Path) -> Iterator[Path]:
    """What `hash_tree` hashes: a file, or the content of a folder."""
    return walk(path, leave_out=lambda each: each.name == "__pycache__") if path.is_dir() else iter([path])


@functools.cache
def hash_code(path: Path) -> str:
    """`hash_tree` of our own code, computed once, since it does not change while it runs."""
    return hash_tree(path)


def named_below(root: Path, words: Iterable[str]) -> list[Path]:
    """The paths below `root`, existing or not, that words of a command name, by themselves or as `--option=PATH`."""
    parts = (part for word in words for part in dict.fromkeys([word, word.rpartition("=")[2]]))
    return [root / part for part in parts if root.resolve() in (root / part).resolve().parents]


def hashes_of_words(root: Path, words: Iterable[str]) -> list[str]:
    """The hashes of the files and folders below `root` that words of a command name; "" for missing ones."""
    return list(map(hash_tree, named_below(root, words)))


def hash_files(folder: Path, paths: Iterable[str | Path]) -> str:
    """One hash of the files and links among these paths below a folder, including links to folders.

    It covers their names, contents, who may execute them, and the targets of links.
    """
    found = ((path.removeprefix(f"{folder}/"), look_of(Path(path)), path) for path in sorted(map(str, paths)))
    return fingerprint([(name, hash_file(path), *look) for name, look, path in found if look])


def look_of(path: Path) -> tuple[int, str] | None:
    """Who may execute a file, as bits of its mode, and the target of a link; None for what is neither.

    Some installers make a file executable for everyone if anybody may execute it.
    """
    target = link_target(path)
    try:
        mode = path.stat().st_mode
    except OSError:
        return (0, target) if target else None
    is_file = stat.S_ISREG(mode)
    return (mode & EXECUTED_BY_ANY if is_file else 0, target) if is_file or target else None


def link_target(path: Path) -> str:
    """The target of a link; "" for anything else."""
    return str(path.readlink()) if path.is_symlink() else ""


def ways(path: Path) -> Iterator[Path]:
    """The paths that an absolute path leads to, following one more link each: first itself, last the file's real place.

    Links among its folders count too. It stops after as many links as Linux follows.
    """
    for _ in range(MOST_LINKS + 1):
        link = first_link(str(path))
        # There is no link above this one; after it, ".." may refer to the link's target, so it is kept.
        place = Path(os.path.normpath(link or path))
        rest = path.relative_to(link or path)
        yield place / rest
        if not link:
            return
        path = place.parent / place.readlink() / rest


def first_link(path: str) -> str:
    """The uppermost of an absolute path and the folders around it that is a link, or ""."""
    ends = (at for at, letter in enumerate(f"{path}/") if letter == "/" and at)
    return next((path[:end] for end in ends if stat.S_ISLNK(mode_of(path[:end]))), "")


def mode_of(path: str) -> int:
    """The mode of a file, a folder or a link itself; 0 if nothing is there."""
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


def is_executable(path: Path) -> bool:
    """Whether a file's owner may execute it; images keep nothing else of its mode."""
    return path.is_file() and bool(path.stat().st_mode & stat.S_IXUSR)


def hash_file(path: str | Path) -> str:
    """The SHA-256 of a regular file; "" if there is none."""
    digest = hashlib.sha256()
    try:
        with open_regular(path) as stream:
            while block := stream.read(PIECE):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()


def open_regular(path: str | Path, *, links: bool = True) -> BinaryIO:
    """Open a regular file, or a link to one; other kinds may be endless, or block until someone writes.

    Args:
        path: The file.
        links: Whether it may be a link.

    Raises:
        OSError: it does not exist, or is not a regular file.
    """
    descriptor = os.open(path, READ if links else READ | NO_LINK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_source(path: Path, largest: int = LARGEST_TEXT) -> bytes:
    """The content of a text file, such as code, settings or a lock.

    Args:
        path: The file.
        largest: Its maximum size in bytes.

    Raises:
        OSError: it does not exist, is not a regular file, or is too large.
    """
    with open_regular(path) as stream:
        too_large = os.fstat(stream.fileno()).st_size > largest
        # In pieces, since memory for all that is asked for at once is taken at once.
        content = b"" if too_large else b"".join(pieces_of(stream, largest + 1))
    if too_large or len(content) > largest:
        raise OSError(errno.EFBIG, f"it is larger than {largest // 2**20} MiB", str(path))
    return content


def pieces_of(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The next bytes of a file, at most `size`, in pieces."""
    while size > 0 and (piece := file.read(min(size, PIECE))):
        size -= len(piece)
        yield piece


def read_json(path: Path) -> Any:
    """Read a file that a step wrote, which may have been replaced by another one.

    Raises:
        OSError: it does not exist, is not a regular file, or is too large.
        ValueError: it is not valid JSON, or cannot be parsed here.
    """
    try:
        return json.loads(read_source(path, LARGEST_RECORD))
    except RecursionError:
        raise ValueError("it has too many levels") from None
    except MemoryError:
        raise ValueError("it needs more memory than there is") from None


def open_no_link(path: Path, flags: int) -> int:
    """A descriptor of a file that belongs to a build.

    Raises:
        PystaticError: it is a link.
    """
    if path.is_symlink():
        raise link_error(path)
    return os.open(path, flags | NO_LINK, 0o666)


def link_error(path: Path) -> PystaticError:
    """The error for a link where a build would write."""
    return PystaticError(
        f"{path} is a link, and a build would write to its target.",
        "Remove it. To build in another place, make build/ or dist/ itself a link that git does not track.",
    )


def unwritable_folder(root: Path) -> PystaticError | None:
    """The error if nothing can be built in this folder; otherwise None."""
    for name in ("build", "dist"):
        folder = root / name if (root / name).is_dir() else root
        if not os.access(folder, os.W_OK | os.X_OK):
            return PystaticError(
                f"The folder {folder} is not writable.",
                MAKE_WRITABLE,
            )
    return None


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the file's name to errors about full disks, since the system does not always name it."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            error.filename, error.filename2 = str(path), None
        raise


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A path to write to; afterwards, the file there replaces `path` atomically, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    temporary.unlink(missing_ok=True)
    try:
        with naming(path):
            yield temporary
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacement(path: Path, text: str) -> Iterator[None]:
    """Rewrite a user's file, keeping its mode and owner; it is replaced only if the block succeeds.

    Raises:
        OSError: it cannot be written.
    """
    for each in (path, path.parent):
        if each.exists() and not os.access(each, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    with beside(path) as temporary:
        temporary.write_bytes(text.encode())
        if path.exists():
            shutil.copymode(path, temporary)
            # Windows has no such function.
            with contextlib.suppress(PermissionError, AttributeError):
                os.chown(temporary, path.stat().st_uid, path.stat().st_gid)
        yield


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file atomically."""
    with beside(path) as temporary:
        temporary.write_bytes(content if isinstance(content, bytes) else content.encode())


def move_whole(source: Path, target: Path, mode: int) -> None:
    """Put a finished file in its place atomically.

    Raises:
        OSError: there is none, or it is a link.
    """
    with open_regular(source, links=False) as content, beside(target) as temporary:
        with temporary.open("xb") as file:
            shutil.copyfileobj(content, file, PIECE)
        temporary.chmod(mode)


def remove_folder(folder: Path) -> None:
    """Remove as much of a folder as possible."""
    shutil.rmtree(folder, ignore_errors=True)


def owned(prefix: str) -> str:
    """A prefix for names of temporary folders that identifies their owner: this process and its PID namespace."""
    return f"{prefix}ns{pid_namespace()}-{os.getpid()}-"


def pid_namespace() -> int:
    """The number of this process's PID namespace; 0 on systems other than Linux."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def remove_abandoned(prefix: str, parent: Path | None = None, remove: Callable[[Path], None] = remove_folder) -> None:
    """Remove our temporary folders whose owner (in their names, see `owned`) was killed; on Linux only.

    Other users' folders and links are kept. So are folders of other PID namespaces, such as a container's with the
    same /tmp: it cannot be known whether their owners are alive.
    """
    if not Path("/proc/self").exists():
        return
    start = f"{prefix}ns{pid_namespace()}-"
    for folder in (parent or Path(tempfile.gettempdir())).glob(f"{start}*"):
        owner = folder.name.removeprefix(start).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists() and is_our_folder(folder):
            remove(folder)


def is_our_folder(path: Path) -> bool:
    """Whether it is a folder of this user, and not a link to one."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
