"""Shows the output of the running program while it is written."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from typing import IO

from pystatic_tasks.config.hiding import hiding
from pystatic_tasks.engines import Container


@contextlib.contextmanager
def outputs(secrets: Collection[str]) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Standard output and standard error as files that hide these secrets."""
    with contextlib.ExitStack() as stack:
        output, errors = (
            stack.enter_context(without(secrets, stream.buffer)) if secrets else stream.buffer
            for stream in (sys.stdout, sys.stderr)
        )
        yield output, errors


def follow(container: Container, output: IO[bytes], errors: IO[bytes]) -> None:
    """Show the output of a container until it ends, or until the reader, such as head, stops reading."""
    with contextlib.suppress(OSError):
        container.follow(output, errors)


@contextlib.contextmanager
def without(secrets: Collection[str], stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """A file whose lines are passed on to the stream without these secrets."""
    reading, writing = os.pipe()
    thread = threading.Thread(target=pass_on, args=(reading, stream, hiding(secrets)), daemon=True)
    thread.start()
    try:
        with os.fdopen(writing, "wb", buffering=0) as file:
            yield file
    finally:
        thread.join()


def pass_on(reading: int, stream: IO[bytes], hide: Callable[[str], str]) -> None:
    with contextlib.suppress(OSError), os.fdopen(reading, "rb") as lines:
        for line in lines:
            stream.write(hide(line.decode(errors="surrogateescape")).encode(errors="surrogateescape"))
            stream.flush()
