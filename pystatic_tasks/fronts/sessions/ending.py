"""Ends a session that cannot finish its work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import nox

from pystatic_tasks.errors import PystaticError, file_error
from pystatic_tasks.fronts.nox_process import leave_exit_code
from pystatic_tasks.system.processes import handling


@contextmanager
def ended_in_order(session: nox.Session) -> Iterator[None]:
    """Turn our errors and the operating system's into Nox's own, and let SIGTERM and SIGHUP act like Ctrl-C.

    So no process keeps running, and no half-written file is left.
    """
    try:
        with handling(interrupt):
            yield
    except PystaticError as error:
        fail(session, error)
    except OSError as error:
        fail(session, file_error(error))


@contextmanager
def heeded() -> Iterator[None]:
    """Interrupt the body as `ended_in_order` does, at its end at the latest.

    Nox goes on after an interruption if what it runs succeeds in spite of it.
    """
    received: list[int] = []

    def note(number: int, frame: object) -> None:
        received.append(number)
        interrupt(number, frame)

    with handling(note):
        yield
    if received:
        raise KeyboardInterrupt


def interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def fail(session: nox.Session, error: PystaticError) -> NoReturn:
    """End the session with Nox's own error, and pass on the exit code of its kind."""
    leave_exit_code(error.exit_code)
    # Nox adds a full stop.
    session.error(str(error).removesuffix("."))
