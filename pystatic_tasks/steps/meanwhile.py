"""Detects files that change while a step uses them: which state was used is unknown, even if they change back."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.system.files import fingerprint, hash_file, read_json, write_whole

State = tuple[int, ...]


def now() -> int:
    """The time in nanoseconds since the epoch; files that were changed before have no later time.

    The clock for files may be some milliseconds behind, so a change directly after this may count as one before it.
    This is harmless, since using the files takes longer than that. Code that must not miss any change uses the `moment`
    of `in_env.installed.elsewhere`.
    """
    return time.time_ns()


def states(paths: Iterable[str]) -> dict[str, State]:
    """What is at these paths now: which file or folder, its size and its modification time; () if there is nothing."""
    return {path: state(path) for path in paths}


def state(path: str) -> State:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def is_replaced(path: str, earlier: Mapping[str, State]) -> bool:
    """Whether something else is at a path than earlier, if that is known."""
    return path in earlier and earlier[path] != state(path)


def is_any_changed(paths: Iterable[str | Path], began: int) -> bool:
    """Whether any of these files was changed after a time from `now`."""
    return any(changed_at(path) > began for path in paths)


def is_changed_by_others(config: ImageConfig, use: str, paths: Iterable[str | Path], began: int) -> bool:
    """Whether anyone but the build changed files or folders after a time.

    A file that was also changed last time, and then had the same content, is assumed to be written by the build;
    so is a folder that was also changed last time.

    Args:
        config: The image to build.
        use: A name that distinguishes several uses.
        paths: The files and folders.
        began: The time from `now` before they were used.
    """
    # Hashed, since a path may contain a value of the caller.
    changed = {fingerprint(str(path)): hash_file(path) for path in paths if is_changed(path, began)}
    note = config.work / "kept" / "changed-meanwhile" / f"{use}.json"
    try:
        before = dict(read_json(note))
    except (OSError, ValueError, TypeError):
        before = {}
    write_whole(note, json.dumps(changed))
    return any(before.get(path) != content for path, content in changed.items())


def is_changed(path: str | Path, began: int) -> bool:
    """Whether a file was changed after a time, or a folder's list of names, unless new folders may be the reason."""
    if changed_at(path) <= began:
        return False
    folder = Path(path)
    return not folder.is_dir() or not any(is_new(each, began) for each in folder.iterdir() if each.is_dir())


def is_new(path: Path, began: int) -> bool:
    """Whether a file, or a folder with everything in it, was changed after a time."""
    if changed_at(path) <= began:
        return False
    return path.is_symlink() or not path.is_dir() or all(is_new(each, began) for each in path.iterdir())


def changed_at(path: str | Path) -> int:
    """The last change of a file, folder or link, or of a link's target, in nanoseconds since the epoch.

    Renaming counts. Unlike a file's modification time, it cannot be set. 0 if nothing exists at the path.
    """
    latest = 0
    for look in (os.lstat, os.stat):
        try:
            found = look(path)
        except OSError:
            break
        latest = max(latest, found.st_ctime_ns)
        if not stat.S_ISLNK(found.st_mode):
            break
    return latest
