"""Files made, listed and removed below a folder, whatever links and however many levels somebody else put there."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from pystatic_tasks.errors import PystaticError
from pystatic_tasks.system.files import NO_LINK, naming
from pystatic_tasks.system.texts import quoted

FOLDER_MODE = 0o755
# Windows has none of these; what uses them is of Linux.
OPEN_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | NO_LINK
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK


@contextlib.contextmanager
def folder_at(top: Path, path: str) -> Iterator[int]:
    """A descriptor of the folder at a path below `top`, or of `top` itself; what of it is not there is made.

    Raises:
        NotADirectoryError: there is a link, or a file, on the way.
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
    """The names in a path; PystaticError unless it leads below `top`, and there in one way only."""
    parts = path.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise PystaticError(f"{quoted(path)} is no path below {top}.", "Name one without '.', '..' and empty parts.")
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
    """The folder and the name for something new at a path; what is there and is no folder is removed."""
    *above, name = parts_below(top, path)
    with naming(top / path), folder_at(top, "/".join(above)) as descriptor:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=descriptor)
        yield descriptor, name


def make_folder(top: Path, path: str, mode: int = FOLDER_MODE) -> None:
    """A folder with its permission bits, and those that it stands in; it may be there."""
    with naming(top / path), folder_at(top, path) as descriptor:
        os.fchmod(descriptor, mode)


def make_file(top: Path, path: str, pieces: Iterable[bytes], mode: int) -> None:
    """A file with its permission bits."""
    with place(top, path) as (descriptor, name), os.fdopen(os.open(name, NEW_FILE, dir_fd=descriptor), "wb") as file:
        file.writelines(pieces)
        os.fchmod(file.fileno(), stat.S_IMODE(mode))


def make_link(top: Path, path: str, target: str) -> None:
    """A symbolic link."""
    with place(top, path) as (descriptor, name):
        os.symlink(target, name, dir_fd=descriptor)


def names_below(top: Path, levels: int) -> Iterator[str]:
    """The paths of all that lies below a folder, up to so many levels; links are not followed."""
    todo = [(top, "", levels)]
    while todo:
        place, above, left = todo.pop()
        for entry in os.scandir(place):
            yield f"{above}{entry.name}"
            if left > 1 and entry.is_dir(follow_symlinks=False):
                todo.append((Path(entry.path), f"{above}{entry.name}/", left - 1))


def open_up(top: Path) -> None:
    """Let the owner do everything in a folder and in those below it, as far as they can be opened.

    No link is followed, be it in the place of the folder.
    """
    # RecursionError before Python 3.13, of folders that are nested deeply.
    with contextlib.suppress(OSError, RecursionError):
        for *_, descriptor in os.fwalk(top):
            os.fchmod(descriptor, 0o700)


def remove_tree(top: Path) -> None:
    """Remove a folder with all that can be removed of it."""
    try:
        shutil.rmtree(top, ignore_errors=True)
    except RecursionError:
        # Before Python 3.13, of folders that are nested deeply.
        subprocess.run(["rm", "-rf", "--", top], stdin=subprocess.DEVNULL, capture_output=True, check=False)


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A new folder for what somebody else writes, removed afterwards."""
    made = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield made
    finally:
        remove_tree(made)
