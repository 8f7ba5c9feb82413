"""Runs tools, and handles signals in the meantime."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from pystatic_tasks.system.files import WRITE_ANEW, naming, open_no_link
from pystatic_tasks.system.full_disk import full_disk, says_full, temporary_folder
from pystatic_tasks.system.redaction import masked

# They affect other interpreters, and load the caller's libraries into each process.
FOREIGN_VARIABLES = ("PYTHON", "LD_PRELOAD", "LD_AUDIT")
Handler = signal.Handlers | Callable[[int, FrameType | None], object]
# Ctrl-C, a request to end, and a closed terminal.
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def tool_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment variables for tools: ours without those that could break them, and `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
    return {**kept, **(extra or {})}


def with_our_life(command: Iterable[object], sent: str = "KILL") -> list[str]:
    """The command, such that it gets a signal when this program ends, if setpriv of util-linux is available."""
    setpriv = shutil.which("setpriv")
    return [*([setpriv, "--pdeathsig", sent] if setpriv else []), *map(str, command)]


def is_in_main_thread() -> bool:
    """Whether we may set signal handlers."""
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def handling(handler: Handler, numbers: Iterable[signal.Signals] = ENDING_SIGNALS) -> Iterator[None]:
    """Handle signals in the meantime, except for those that are ignored; only in the main thread."""
    if not is_in_main_thread():
        yield
        return
    # A program that was started to outlive the terminal still does.
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, its_handler in before.items():
            signal.signal(number, its_handler)


def undisturbed() -> contextlib.AbstractContextManager[None]:
    """Ignore Ctrl-C, SIGTERM and a closed terminal; tools that are run in the meantime ignore them too."""
    return handling(signal.SIG_IGN)


def ignore(line: str) -> None:
    """The default of `watch`, which does nothing."""


def run_logged(
    command: Iterable[object],
    log: Path,
    *,
    verbose: bool,
    watch: Callable[[str], None] = ignore,
    hide: Callable[[str], str] = masked,
    **options: Any,
) -> int:
    """Run a tool with its output written to `log`, and also shown if `verbose`.

    Args:
        command: The tool and its arguments.
        log: File to write; its folder is created.
        verbose: Whether to show the output on standard error.
        watch: Called with every line of output.
        hide: Applied to each line first; by default, it hides credentials in URLs.
        options: More arguments of `subprocess.Popen`, such as `env` and `cwd`.

    Returns:
        The tool's exit code.

    Raises:
        PystaticError: it failed because a disk is full; or the log is a link.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    full = ""
    descriptor = open_no_link(log, WRITE_ANEW)
    with naming(log), os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        process = subprocess.Popen(
            with_our_life(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **options,
        )
        with process:
            assert process.stdout is not None
            try:
                for line in map(hide, process.stdout):
                    full = line if says_full(line) else full
                    file.write(line)
                    if verbose:
                        print(line, end="", file=sys.stderr, flush=True)
                    watch(line)
            except BaseException:
                process.terminate()
                raise
    if process.returncode != 0 and full:
        places = [log.parent, Path(options.get("cwd") or "."), temporary_folder(options.get("env") or os.environ)]
        raise full_disk(full, places)
    return process.returncode


def last_lines(log: Path, count: int = 10) -> list[str]:
    """The end of a log, without empty lines."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return [line for line in text.splitlines() if line.strip()][-count:]
