"""Finds which paths a program accesses outside its Python: its behaviour may depend on them."""

from __future__ import annotations

import os
import sysconfig
import time
from collections.abc import Iterable
from pathlib import Path

from .layer_assignment import source_of

# Files here differ from run to run.
KERNELS = ("/proc/", "/sys/", "/dev/")
# CLOCK_REALTIME_COARSE, which Python does not define: https://man7.org/linux/man-pages/man2/clock_getres.2.html
CLOCK_OF_FILES = 5


def moment() -> int:
    """Now, in nanoseconds since the epoch, by the clock that stamps files: it is some milliseconds behind."""
    return time.clock_gettime_ns(CLOCK_OF_FILES)


def from_elsewhere(paths: Iterable[str]) -> set[str]:
    """Those of absolute paths that belong neither to this Python, nor to the kernel, and are no folders of packages.

    Bytecode is replaced by its source. Folders of bytecode are left out, since any import may write there.
    """
    own = tuple(f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib"))
    packages = tuple(f"{sysconfig.get_path(name)}/" for name in ("purelib", "platlib"))

    def is_known(path: str) -> bool:
        inside = f"{path}/"
        # The folders of packages lie in those of an environment's Python.
        return os.path.isdir(path) if inside.startswith(packages) else inside.startswith(own)  # noqa: PTH112

    found = {str(source_of(Path(path))) for path in paths}
    return {
        path for path in found if not path.endswith("/__pycache__") and not is_known(path) and not is_of_kernel(path)
    }


def without_own_changes(asked: Iterable[str], opened: Iterable[str], began: int) -> set[str]:
    """The paths that a program accessed, without those that it changed itself: these are not its inputs.

    Args:
        asked: Paths of the files and folders that it accessed.
        opened: Paths that it created, renamed, removed, or opened for writing; this also changes their folders.
        began: When it started, in nanoseconds since the epoch; paths that have not changed since then stay.
    """
    opened = set(opened)
    touched = opened | {str(Path(path).parent) for path in opened}
    return set(asked) - {path for path in touched if is_new(path, began)}


def is_new(path: str, began: int) -> bool:
    """Whether a file or a folder was modified since a moment, or is missing."""
    try:
        return Path(path).stat().st_mtime_ns >= began
    except OSError:
        return True


def changes(paths: Iterable[str], began: int) -> set[str]:
    """Those paths that exist and have changed since a moment.

    Args:
        paths: Absolute paths of files and folders that were created, renamed or opened for writing.
        began: The moment, in nanoseconds since the epoch.
    """
    return {path for path in paths if was_changed(path, began)}


def was_changed(path: str, began: int) -> bool:
    """Whether a file or a folder exists and has changed since a moment, even if its modification time was set back."""
    try:
        return Path(path).stat().st_ctime_ns >= began
    except OSError:
        return False


def is_of_kernel(path: str) -> bool:
    """Whether a file is the kernel's, by its own path or as a link there, as /etc/mtab is on many systems."""
    return f"{path}/".startswith(KERNELS) or f"{os.path.realpath(path)}/".startswith(KERNELS)
