"""Creates, lists and removes files below a folder, safe against links and deep nesting in it."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from pystatic_tasks.errors import PystaticError
from pystatic_tasks.system.files import NO_LINK, naming, owned, remove_abandoned
from pystatic_tasks.system.machine import is_linux
from pystatic_tasks.system.texts import quoted

FOLDER_MODE = 0o755
# Windows has none of these flags; the code that needs them runs only on Linux.
OPEN_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | NO_LINK
# Needs no permission to read the folder.
THE_FOLDER_ITSELF = OPEN_FOLDER | getattr(os, "O_PATH", 0)
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK


@contextlib.contextmanager
def folder_at(top: Path, path: str) -> Iterator[int]:
    """A descriptor of the folder at a path below `top`, or of `top` itself; missing folders are created.

    Raises:
        NotADirectoryError: a part of the path is a link or a file.
        PystaticError: the path could lead elsewhere.
    """
    descriptor = os.open(top, OPEN_FOLDER)
    try:
        for name in parts_below(top, path) if path else ():
            inner = step_into(descriptor, name)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def parts_below(top: Path, path: str) -> list[str]:
    """The names in a path; PystaticError unless it leads below `top` and is written in the only possible way."""
    parts = path.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise PystaticError(f"{quoted(path)} is not a path below {top}.", "Name one without '.', '..' and empty parts.")
    return parts


def step_into(descriptor: int, name: str) -> int:
    try:
        os.mkdir(name, dir_fd=descriptor)
    except FileExistsError:
        return os.open(name, OPEN_FOLDER, dir_fd=descriptor)
    inner = os.open(name, OPEN_FOLDER, dir_fd=descriptor)
    os.fchmod(inner, FOLDER_MODE)
    return inner


@contextlib.contextmanager
def place(top: Path, path: str) -> Iterator[tuple[int, str]]:
    """The folder and the name for something new at a path; an existing file or link is removed."""
    *above, name = parts_below(top, path)
    with naming(top / path), folder_at(top, "/".join(above)) as descriptor:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=descriptor)
        yield descriptor, name


def make_folder(top: Path, path: str, mode: int = FOLDER_MODE) -> None:
    """Make a folder with these permission bits, and its parents; it may already exist."""
    with naming(top / path), folder_at(top, path) as descriptor:
        os.fchmod(descriptor, mode)


def make_file(top: Path, path: str, pieces: Iterable[bytes], mode: int) -> None:
    """Make a file with these permission bits."""
    with place(top, path) as (descriptor, name), os.fdopen(os.open(name, NEW_FILE, dir_fd=descriptor), "wb") as file:
        file.writelines(pieces)
        os.fchmod(file.fileno(), stat.S_IMODE(mode))


def make_link(top: Path, path: str, target: str) -> None:
    """Make a symbolic link."""
    with place(top, path) as (descriptor, name):
        os.symlink(target, name, dir_fd=descriptor)


def names_below(top: Path, levels: int) -> Iterator[str]:
    """The paths of everything below a folder, up to this number of levels, as far as it can be read.

    Folders come before their content; links are not followed.
    """
    return (name for name, _ in entries_below(top, levels))


def entries_below(
    top: Path, levels: float = math.inf, *, lets_in: bool = False, skips: bool = True
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """What lies below a folder, as in `names_below`, each with its path.

    Args:
        top: The folder.
        levels: The number of levels.
        lets_in: Whether to make folders readable that deny it to their owner.
        skips: Whether to leave out what cannot be listed.

    Raises:
        OSError: something cannot be listed, and nothing is to be left out.
    """
    tolerated = (OSError,) if skips else ()
    todo = [(top, "", levels)]
    while todo:
        place, above, left = todo.pop()
        if lets_in and not os.access(place, os.R_OK | os.X_OK):
            let_owner_in(place)
        with contextlib.suppress(*tolerated), os.scandir(place) as entries:
            for entry in entries:
                yield f"{above}{entry.name}", entry
                if left > 1 and entry.is_dir(follow_symlinks=False):
                    todo.append((Path(entry.path), f"{above}{entry.name}/", left - 1))


def open_up(top: Path) -> None:
    """Give the owner all permissions on a folder and the folders below it.

    No link is followed, not even in place of the folder itself.
    """
    let_owner_in(top)
    # Before Python 3.13, deeply nested folders cause a RecursionError.
    with contextlib.suppress(OSError, RecursionError):
        for _, folders, _, descriptor in os.fwalk(top):
            for name in folders:
                let_owner_in(name, descriptor)


def let_owner_in(folder: Path | str, above: int | None = None) -> None:
    """Give the owner all permissions on a folder, unless it is a link or belongs to another user."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, THE_FOLDER_ITSELF, dir_fd=above)
        try:
            Path(f"/proc/self/fd/{descriptor}").chmod(0o700)
        finally:
            os.close(descriptor)


def remove_tree(top: Path) -> None:
    """Remove as much of a folder as possible, whatever its permissions are."""
    remove_as_it_is(top)
    if is_linux() and top.is_dir() and not top.is_symlink():
        open_up(top)
        remove_as_it_is(top)


def remove_as_it_is(top: Path) -> None:
    try:
        shutil.rmtree(top, ignore_errors=True)
    except RecursionError:
        # Before Python 3.13, for deeply nested folders.
        subprocess.run(["rm", "-rf", "--", top], stdin=subprocess.DEVNULL, capture_output=True, check=False)


@contextlib.contextmanager
def temporary_folder(prefix: str = "pystatic-", parent: Path | None = None) -> Iterator[Path]:
    """A new folder, which is removed afterwards, or by the next one with this prefix if this process is killed."""
    remove_abandoned(prefix, parent, remove_tree)
    made = Path(tempfile.mkdtemp(prefix=owned(prefix), dir=parent))
    try:
        yield made
    finally:
        remove_tree(made)
