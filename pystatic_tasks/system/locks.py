"""File locks, which belong to one process of this machine at a time, or to one opener of the file."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from pystatic_tasks.system.files import open_no_link

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Windows has no lock that a process can take twice.
BELONG_TO_PROCESSES = fcntl is not None
POLL_SECONDS = 0.1


def open_lock(path: Path) -> int:
    """A descriptor of a lock file, which is created if it does not exist; PystaticError if it is a link."""
    return open_no_link(path, os.O_RDWR | os.O_CREAT)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor of a lock file, closed afterwards."""
    descriptor = open_lock(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, *, of_process: bool = False) -> bool:
    """Take the lock of an open file; False if another one has it.

    Args:
        descriptor: The file's descriptor.
        of_process: Whether the lock belongs to the process, which may take it again with other descriptors.
    """
    if fcntl is None:
        import msvcrt

        os.lseek(descriptor, 0, os.SEEK_SET)
        with contextlib.suppress(OSError):
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            return True
        return False
    try:
        (fcntl.lockf if of_process else fcntl.flock)(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def wait_for_lock(descriptor: int, *, of_process: bool = False) -> None:
    """Wait for the lock, and take it.

    Raises:
        OSError: EDEADLK, if its owner waits for a lock of this process.
    """
    if fcntl is not None:
        (fcntl.lockf if of_process else fcntl.flock)(descriptor, fcntl.LOCK_EX)
        return
    while not try_lock(descriptor):
        time.sleep(POLL_SECONDS)
