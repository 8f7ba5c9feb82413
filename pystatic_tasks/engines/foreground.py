"""Runs a program that has our terminal until it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from pystatic_tasks.system.processes import handling, is_in_main_thread, with_our_life

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]


def is_terminal() -> bool:
    """Whether our standard input is a terminal."""
    return sys.stdin.isatty()


def run_in_foreground(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a program with our standard input and output until it ends; only the program handles Ctrl-C.

    Args:
        command: The program and its arguments.
        variables: All of its environment variables.

    Returns:
        Its exit code, or minus the number of the signal that ended it.
    """
    with kept_terminal(), subprocess.Popen(with_our_life(command), env=dict(variables), cwd="/") as process:
        try:
            with handling(leave_to_others, [signal.SIGINT]):
                return process.wait()
        except BaseException:
            process.kill()
            raise


def leave_to_others(number: int, frame: object) -> None:
    """Ignore a signal that the other processes of our terminal get too."""


@contextlib.contextmanager
def kept_terminal() -> Iterator[None]:
    """Restore our terminal afterwards: a shell with job control takes it, and a killed program may leave it changed."""
    if termios is None or not is_terminal() or not is_in_main_thread():
        yield
        return
    terminal = sys.stdin.fileno()
    settings, group = termios.tcgetattr(terminal), os.tcgetpgrp(terminal)
    try:
        yield
    finally:
        # A process in the background is stopped when it changes the terminal, unless it ignores this signal.
        with handling(signal.SIG_IGN, [signal.SIGTTOU]), contextlib.suppress(OSError, termios.error):
            os.tcsetpgrp(terminal, group)
            termios.tcsetattr(terminal, termios.TCSADRAIN, settings)
