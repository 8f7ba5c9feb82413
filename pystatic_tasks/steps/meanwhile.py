"""What was changed while a step used it: in which state it went in nobody knows, though it may be as before again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.system.files import fingerprint, hash_file, read_json, write_whole


def now() -> int:
    """The time, in nanoseconds since the epoch, which no file bears that was changed before.

    Files are stamped by a clock that may be some milliseconds behind, so a change just after this counts as one before.
    That does no harm: what is used takes longer until it can be changed back. What must miss none asks for the `moment`
    of `in_env.installed.elsewhere`.
    """
    return time.time_ns()


def is_any_changed(paths: Iterable[Path], began: int) -> bool:
    """Whether any of these files was changed since a time, told by `now`."""
    return any(changed_at(path) > began for path in paths)


def is_changed_by_others(config: ImageConfig, use: str, paths: Iterable[Path], began: int) -> bool:
    """Whether anybody but the build changed files or folders since a moment.

    A file that was changed the last time too, and had the same content afterwards, is taken for what the build writes;
    so is a folder that was, for one that it writes in.

    Args:
        config: What is built.
        use: Tells apart what is used at several times.
        paths: The files and folders.
        began: The time by `now` before they were used.
    """
    # A path may hold a value of the caller's.
    changed = {fingerprint(str(path)): hash_file(path) for path in paths if is_changed(path, began)}
    note = config.work / "kept" / "changed-meanwhile" / f"{use}.json"
    try:
        before = dict(read_json(note))
    except (OSError, ValueError, TypeError):
        before = {}
    write_whole(note, json.dumps(changed))
    return any(before.get(path) != content for path, content in changed.items())


def is_changed(path: Path, began: int) -> bool:
    """Whether a file was changed since a moment, or something in a folder came or went that is no new folder there."""
    if changed_at(path) <= began:
        return False
    return not path.is_dir() or not any(is_new(each, began) for each in path.iterdir() if each.is_dir())


def is_new(path: Path, began: int) -> bool:
    """Whether a file, or a folder with everything in it, was changed since a moment."""
    if changed_at(path) <= began:
        return False
    return path.is_symlink() or not path.is_dir() or all(is_new(each, began) for each in path.iterdir())


def changed_at(path: Path) -> int:
    """When a file, a folder, or a link or what it leads to was changed last, in nanoseconds since the epoch.

    Renaming counts, and nobody sets this time, as files' own times are set; 0 if nothing is there.
    """
    found = 0
    for look in (os.lstat, os.stat):
        try:
            found = max(found, look(path).st_ctime_ns)
        except OSError:
            break
    return found
