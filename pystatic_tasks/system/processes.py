"""How tools are run, and what signals do meanwhile."""

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

# Lead another interpreter astray, and bring libraries of the caller's into each process.
FOREIGN_VARIABLES = ("PYTHON", "LD_PRELOAD", "LD_AUDIT")
Handler = signal.Handlers | Callable[[int, FrameType | None], object]
# Ctrl-C, what asks for an end, and a terminal that was closed.
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def tool_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment variables for tools: ours without those that lead them astray, and `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
    return {**kept, **(extra or {})}


def with_our_life(command: Iterable[object]) -> list[str]:
    """The command such that it is killed when this program is, by setpriv of util-linux where that is there."""
    setpriv = shutil.which("setpriv")
    return [*([setpriv, "--pdeathsig", "KILL"] if setpriv else []), *map(str, command)]


def is_in_main_thread() -> bool:
    """Whether we may say what signals do."""
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def handling(handler: Handler, numbers: Iterable[signal.Signals] = ENDING_SIGNALS) -> Iterator[None]:
    """Let signals do something else meanwhile, but those that are ignored; in the main thread only."""
    if not is_in_main_thread():
        yield
        return
    # Who was started to outlive the terminal does.
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, its_handler in before.items():
            signal.signal(number, its_handler)


def undisturbed() -> contextlib.AbstractContextManager[None]:
    """Ignore what ends this program by the terminal or by TERM, as do the tools that are run meanwhile."""
    return handling(signal.SIG_IGN)


def ignore(line: str) -> None:
    """What watches a tool that nobody watches."""


def run_logged(
    command: Iterable[object],
    log: Path,
    *,
    verbose: bool,
    watch: Callable[[str], None] = ignore,
    hide: Callable[[str], str] = masked,
    **options: Any,
) -> int:
    """Run a tool with its whole output kept in `log`, and shown too if `verbose`.

    Args:
        command: The tool and its arguments.
        log: File to write; its folder is made.
        verbose: Whether to show its output, on standard error.
        watch: Is told every line of it.
        hide: What is done to each line before anybody has it; by itself, credentials in URLs are hidden.
        options: More arguments of `subprocess.Popen`, such as `env` and `cwd`.

    Returns:
        The tool's exit code.

    Raises:
        PystaticError: it failed, and said that a disk is full; or the log is a link.
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
