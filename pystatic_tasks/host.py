"""What a step may ask of whoever runs it, and how tools are run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pystatic_tasks.credentials import masked
from pystatic_tasks.terminal import Terminal

# Would make the build environment import what is not installed in it.
FOREIGN_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP")


def _no_environment(*_: object) -> None:
    raise AssertionError("this step has no environment of its own")


def session_command(session: str, *options: str) -> str:
    """What the user of a noxfile types to run a session."""
    return " ".join(["nox -s", session, *(["--", *options] if options else [])])


@dataclass(frozen=True, kw_only=True)
class Host:
    """Whoever runs a step.

    Attributes:
        say: Shows one line to the user.
        terminal: Shows what takes long.
        command: What the user types to run a step, with options that follow it; "" if the step will run anyway.
        verbose: Whether the tools' own output is shown too.
        archives: Paths of the archives to join, from the project's folder.
        use_cache: Whether a step may be skipped when nothing changed.
        formats: What sbom is to write, of `options.FORMATS`.
        python: Interpreter in the build environment; only freeze has one.
        wanted_python: What that environment is to be made from; a change of it makes the environment anew.
        reuses_environment: Whether that environment was there before.
        installs: Whether `install` does anything; with --no-install the environment is used as it is.
        install: Installs requirements, as arguments of `pip install`, into that environment.
        recreate: Makes the environment anew and empty.
    """

    say: Callable[[str], None]
    terminal: Terminal = field(default_factory=lambda: Terminal(stream=sys.stderr))
    command: Callable[..., str] = session_command
    verbose: bool = False
    archives: Sequence[str] = ()
    use_cache: bool = True
    formats: tuple[str, ...] = ()
    python: Path = Path()
    wanted_python: str = ""
    reuses_environment: bool = False
    installs: bool = True
    install: Callable[[Sequence[str]], None] = _no_environment
    recreate: Callable[[], None] = _no_environment


def tool_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment variables for tools: ours without those that lead them astray, and `extra`."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
    return {**kept, **(extra or {})}


def with_our_life(command: Iterable[object]) -> list[str]:
    """The command such that it is killed when this program is, by setpriv of util-linux where that is there."""
    setpriv = shutil.which("setpriv")
    return [*([setpriv, "--pdeathsig", "KILL"] if setpriv else []), *map(str, command)]


def ignore(line: str) -> None:
    """What watches a tool that nobody watches."""


def run_logged(
    command: Iterable[object], log: Path, *, verbose: bool, watch: Callable[[str], None] = ignore, **options: Any
) -> int:
    """Run a tool with its whole output kept in `log`, credentials hidden, and shown too if `verbose`.

    Args:
        command: The tool and its arguments.
        log: File to write; its folder is made.
        verbose: Whether to show its output, on standard error.
        watch: Is told every line of it.
        options: More arguments of `subprocess.Popen`, such as `env` and `cwd`.

    Returns:
        The tool's exit code.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8", errors="replace") as file:
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
                for line in map(masked, process.stdout):
                    file.write(line)
                    if verbose:
                        print(line, end="", file=sys.stderr, flush=True)
                    watch(line)
            except BaseException:
                process.terminate()
                raise
        return process.returncode


def last_lines(log: Path, count: int = 10) -> list[str]:
    """The end of a log, without empty lines."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return [line for line in text.splitlines() if line.strip()][-count:]
