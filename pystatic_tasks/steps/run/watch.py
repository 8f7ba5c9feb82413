"""Watches the files and folders that earlier steps used for changes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from pystatic_tasks.in_env.stamps import Stamp, stamps
from pystatic_tasks.system.files import source_files

Seen = Mapping[str, Stamp]

POLL_SECONDS = 1.0
# The maximum share of the time that looking may take.
LARGEST_SHARE = 0.1
# Several files may be written one after the other.
SETTLE_SECONDS = 0.2
SHOWN = 3


def look(paths: Iterable[Path]) -> Seen:
    """The stamps of these files, of missing ones, and of all files in these folders.

    Empty if a folder is being removed; the next look will see that.
    """
    try:
        return stamps(str(file) for path in paths for file in (files_in(path) if path.is_dir() else [path]))
    except OSError:
        return {}


def files_in(folder: Path) -> Iterator[Path]:
    """The files that people wrote, without those that their editors keep beside them."""
    return (path for path in source_files(folder) if not is_of_editor(path.name))


def is_of_editor(name: str) -> bool:
    """Whether it is a hidden file, a swap file, a lock or a backup."""
    return name.startswith((".", "#")) or name.endswith("~")


def wait_for_change(paths: Iterable[Path], seen: Seen, wait: Callable[[float], object]) -> Seen:
    """The state after something has changed, and then nothing more for a moment.

    Args:
        paths: The watched files and folders.
        seen: The state before.
        wait: Waits for a number of seconds.
    """
    while True:
        began = time.monotonic()
        now = settled(paths, seen)
        if now != seen:
            return now
        wait(max(POLL_SECONDS, (time.monotonic() - began) / LARGEST_SHARE))


def settled(paths: Iterable[Path], seen: Seen) -> Seen:
    """The current state; if it differs from `seen`, after it has been stable for a moment."""
    now = look(paths)
    while now != seen:
        time.sleep(SETTLE_SECONDS)
        seen, now = now, look(paths)
    return now


def changed(before: Seen, after: Seen, root: Path) -> str:
    """The names of changed files, relative to `root`, as part of a line."""
    names = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    shown = [os.path.relpath(name, root) for name in names[:SHOWN]]
    return ", ".join([*shown, *(["…"] if len(names) > SHOWN else [])])
