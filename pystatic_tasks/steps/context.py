"""What a step may ask of whoever runs it."""

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
    """Whoever runs a step.

    Attributes:
        say: Shows one line to the user.
        terminal: Shows what takes long.
        command: What the user types to run a step, with options that follow it; "" if the step will run anyway.
        verbose: Whether the tools' own output is shown too.
        archives: Paths of the archives to join, from the project's folder.
        platforms: Those that images are built for, where these are several.
        filenames: Paths of the YAML files to resolve and of folders of them, from the project's folder.
        recursive: Whether folders below those are meant too.
        use_cache: Whether a step may be skipped when nothing changed.
        observes: Whether the program is run before it is frozen.
        formats: What sbom is to write, of `options.FORMATS`.
        variables: Environment variables for what run or shell starts, before those of `smoke.env`.
        publish: Host and port at which run publishes it.
        arguments: What run gives to it instead of `smoke.command`, and shell runs; None for just that, or a shell.
        opens: Whether report shows its page in a browser.
        watches: Whether run builds and starts it again when something changes.
        build_again: Does all that comes before run once more; gives the configuration as it is then.
        python: Interpreter in the build environment; only freeze has one.
        wanted_python: What that environment is to be made from; a change of it makes the environment anew.
        reuses_environment: Whether that environment was there before.
        installs: Whether `install` does anything; with --no-install the environment is used as it is.
        install: Installs requirements, as arguments of `pip install`, into that environment.
        recreate: Makes the environment anew and empty.
        push: Builds and pushes images, where the caller can; otherwise does nothing.
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
