"""What a step gets from its caller."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.system.terminal import Terminal


def _nothing_to_build() -> ImageConfig:
    raise AssertionError("this step builds nothing again")


def _no_environment(*_: object) -> None:
    raise AssertionError("this step has no environment of its own")


def session_command(session: str, *options: str) -> str:
    """What the user of a noxfile types to run a session."""
    return " ".join(["nox -s", session, *(["--", *options] if options else [])])


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """The caller's options and functions for a step.

    Attributes:
        say: Shows one line to the user.
        terminal: Shows progress during slow work.
        command: What the user types to run a step, with options after it; "" if the step will run anyway.
        verbose: Whether the tools' own output is shown too.
        archives: Paths of the archives to join, relative to the project's folder.
        platforms: The platforms to build images for, if there are several.
        filenames: Paths of the YAML files to resolve, and of folders with such files, relative to the project's folder.
        recursive: Whether to read subfolders too.
        use_cache: Whether a step may be skipped when nothing has changed.
        observes: Whether the program is run before it is frozen.
        formats: The formats that sbom writes, of `options.FORMATS`.
        variables: Environment variables for the program that run or shell starts; they override `smoke.env`.
        publish: Host and port at which run publishes the program.
        arguments: What run passes to the program instead of `smoke.command`, or shell runs; None for the default.
        opens: Whether report shows its page in a browser.
        watches: Whether run rebuilds and restarts the program when something changes.
        build_again: Runs the steps before run again, and returns the configuration of that time.
        python: Interpreter of the build environment; only freeze has one.
        wanted_python: The interpreter to create that environment from; if it changes, the environment is recreated.
        reuses_environment: Whether that environment already existed.
        installs: Whether `install` does anything; with --no-install, the environment is used as it is.
        install: Installs requirements, given as arguments of `pip install`, into that environment.
        recreate: Recreates that environment, without packages.
        push: Builds and pushes images if the caller can; otherwise does nothing.
    """

    say: Callable[[str], None]
    terminal: Terminal = field(default_factory=lambda: Terminal(stream=sys.stderr))
    command: Callable[..., str] = session_command
    verbose: bool = False
    archives: Sequence[str] = ()
    platforms: tuple[str, ...] = ()
    filenames: Sequence[str] = ()
    recursive: bool = False
    use_cache: bool = True
    observes: bool = True
    formats: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    publish: tuple[str, int] | None = None
    arguments: tuple[str, ...] | None = None
    opens: bool = False
    watches: bool = False
    build_again: Callable[[], ImageConfig] = _nothing_to_build
    python: Path = Path()
    wanted_python: str = ""
    reuses_environment: bool = False
    installs: bool = True
    install: Callable[[Sequence[str]], None] = _no_environment
    recreate: Callable[[], None] = _no_environment
    push: Callable[[Sequence[ImageConfig]], object] = lambda _: None
