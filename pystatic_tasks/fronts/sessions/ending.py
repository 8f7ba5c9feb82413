"""How a session ends before its work is done."""

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
    """Let errors of ours, and of the system's, be Nox's own, and TERM and a closed terminal do what Ctrl-C does.

    So nothing runs on, and nothing half-written stays.
    """
    try:
        with handling(interrupt):
            yield
    except PystaticError as error:
        fail(session, error)
    except OSError as error:
        fail(session, file_error(error))


def interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def fail(session: nox.Session, error: PystaticError) -> NoReturn:
    """End the session by Nox's own error, and say of what kind it was."""
    leave_exit_code(error.exit_code)
    # Nox adds a full stop.
    session.error(str(error).removesuffix("."))
