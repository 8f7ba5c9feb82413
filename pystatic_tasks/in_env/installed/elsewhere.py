"""What a Python reads that is not its own: by that, what it does depends on where it runs."""

from __future__ import annotations

import os
import sysconfig
import time
from collections.abc import Iterable
from pathlib import Path

from .layer_assignment import source_of

# Their files are other ones each time.
KERNELS = ("/proc/", "/sys/", "/dev/")
# CLOCK_REALTIME_COARSE, which Python has no name for: https://man7.org/linux/man-pages/man2/clock_getres.2.html
CLOCK_OF_FILES = 5


def moment() -> int:
    """Now, in nanoseconds since the epoch, as files are stamped: by a clock that is some milliseconds behind."""
    return time.clock_gettime_ns(CLOCK_OF_FILES)


def from_elsewhere(paths: Iterable[str]) -> set[str]:
    """Those of absolute paths that are neither of this Python, nor of its packages, nor of the kernel.

    In place of bytecode its source is told, and of folders with bytecode nothing, into which any import may write.
    """
    known = tuple(f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    found = {str(source_of(Path(path))) for path in paths}
    return {
        path
        for path in found
        if not path.endswith("/__pycache__") and not f"{path}/".startswith(known) and not is_of_kernel(path)
    }


def without_own_changes(asked: Iterable[str], opened: Iterable[str], began: int) -> set[str]:
    """The paths that were asked for, but for what whoever asked changed itself: of that, what it does does not follow.

    Args:
        asked: Paths of files and folders.
        opened: Paths of what it made, renamed, removed, or opened to be written; that changes the folder of each too.
        began: When it was started, in nanoseconds since the epoch; what was not changed since then stays.
    """
    opened = set(opened)
    touched = opened | {str(Path(path).parent) for path in opened}
    return set(asked) - {path for path in touched if is_new(path, began)}


def is_new(path: str, began: int) -> bool:
    """Whether a file or a folder was changed since a moment, or is not there."""
    try:
        return Path(path).stat().st_mtime_ns >= began
    except OSError:
        return True


def changes(paths: Iterable[str], began: int) -> set[str]:
    """Of absolute paths of what somebody made, renamed or opened to be written, those of what was changed since.

    Args:
        paths: The paths, of files and folders.
        began: A moment, in nanoseconds since the epoch.
    """
    return {path for path in paths if was_changed(path, began)}


def was_changed(path: str, began: int) -> bool:
    """Whether a file or a folder is there and was changed since a moment, whatever time it was given."""
    try:
        return Path(path).stat().st_ctime_ns >= began
    except OSError:
        return False


def is_of_kernel(path: str) -> bool:
    """Whether a file is the kernel's, by its own path or as a link: /etc/mtab is one on many systems."""
    return f"{path}/".startswith(KERNELS) or f"{os.path.realpath(path)}/".startswith(KERNELS)
