"""What is watched for changes: the files and folders that the steps before were seen to take."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from pystatic_tasks.in_env.stamps import stamps
from pystatic_tasks.system.files import source_files

Seen = Mapping[str, tuple[int, int]]

POLL_SECONDS = 1.0
# Of the time between two looks, for a look.
LARGEST_SHARE = 0.1
# Several files may be written one after the other.
SETTLE_SECONDS = 0.2
SHOWN = 3


def look(paths: Iterable[Path]) -> Seen:
    """Size and time of the last change of these files, of those that are not there, and of all in these folders.

    Nothing if a folder is removed meanwhile: the next look will tell.
    """
    try:
        return stamps(str(file) for path in paths for file in (files_in(path) if path.is_dir() else [path]))
    except OSError:
        return {}


def files_in(folder: Path) -> Iterator[Path]:
    """The files that people wrote, without what their editors keep beside them."""
    return (path for path in source_files(folder) if not is_of_editor(path.name))


def is_of_editor(name: str) -> bool:
    """Hidden files, among them swap files, locks and backups."""
    return name.startswith((".", "#")) or name.endswith("~")


def wait_for_change(paths: Iterable[Path], seen: Seen, wait: Callable[[float], object]) -> Seen:
    """What there is once something was changed, and nothing more for a moment.

    Args:
        paths: What is watched.
        seen: What was there before.
        wait: Waits for so many seconds.
    """
    while True:
        began = time.monotonic()
        now = settled(paths, seen)
        if now != seen:
            return now
        wait(max(POLL_SECONDS, (time.monotonic() - began) / LARGEST_SHARE))


def settled(paths: Iterable[Path], seen: Seen) -> Seen:
    """What there is; if that is not what was seen, once it stays so for a moment."""
    now = look(paths)
    while now != seen:
        time.sleep(SETTLE_SECONDS)
        seen, now = now, look(paths)
    return now


def changed(before: Seen, after: Seen, root: Path) -> str:
    """The names of what was changed, from the folder `root`, as part of a line."""
    names = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    shown = [os.path.relpath(name, root) for name in names[:SHOWN]]
    return ", ".join([*shown, *(["…"] if len(names) > SHOWN else [])])
