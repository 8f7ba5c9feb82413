"""Locks of whole files, which one process of this machine has at a time, or one of those who opened the file."""

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

# Windows has no lock that a process may take twice.
BELONG_TO_PROCESSES = fcntl is not None
POLL_SECONDS = 0.1


def open_lock(path: Path) -> int:
    """A descriptor of a lock's file, which is made if it is not there; PystaticError if it is a link."""
    return open_no_link(path, os.O_RDWR | os.O_CREAT)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """The same, closed afterwards."""
    descriptor = open_lock(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, *, of_process: bool = False) -> bool:
    """Take the lock of an open file; False if somebody else has it.

    Args:
        descriptor: Of the file.
        of_process: Whether the lock is the process's, which may take it again by other descriptors.
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
    """Take it as soon as nobody else has it.

    Raises:
        OSError: EDEADLK, if whoever has it waits for one that this process has.
    """
    if fcntl is not None:
        (fcntl.lockf if of_process else fcntl.flock)(descriptor, fcntl.LOCK_EX)
        return
    while not try_lock(descriptor):
        time.sleep(POLL_SECONDS)
