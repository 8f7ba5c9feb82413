"""Runs steps in Nox for the other front ends, Invoke and the command line.

Nox gets a noxfile from this package, which reads the call from an environment variable.
Nox always exits with 1 on failure, so the failing session writes the exit code of its error to a file.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pystatic_tasks.config import load_config
from pystatic_tasks.config.load import pick_image
from pystatic_tasks.config.options import parse_options
from pystatic_tasks.errors import PystaticError, file_error
from pystatic_tasks.steps.folders import make_folders, require_no_links
from pystatic_tasks.steps.table import STEPS
from pystatic_tasks.system.beneath import temporary_folder
from pystatic_tasks.system.files import unwritable_folder
from pystatic_tasks.system.processes import handling, with_our_life

NOXFILE = Path(__file__).resolve().with_name("carried_noxfile.py")
CALL_VARIABLE = "PYSTATIC_CALL"
EXIT_CODE_VARIABLE = "PYSTATIC_EXIT_CODE"
# The user's settings for every Nox. All other NOX variables are about an outer Nox and what it runs.
NOX_VARIABLES_KEPT = ("NOX_DEFAULT_VENV_BACKEND", "NOX_DOWNLOAD_PYTHON")
FAILED = 1  # Nox's exit code when a session failed.


@dataclass(frozen=True, kw_only=True)
class Call:
    """One step to run.

    Attributes:
        root: Folder of the pyproject.toml.
        step: One of `steps.table.STEPS`.
        images: Names of the images; empty for all.
        words: What would stand after Nox's `--`.
        overrides: Configuration that takes precedence over pyproject.toml, as for `register()`.
        shown_as: What the user types to run a step, such as "inv {step}".
    """

    root: Path
    step: str
    images: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    shown_as: str = ""


def run(call: Call) -> int:
    """Run a step and those before it, with our standard input and output, and wait for the end.

    The terminal itself sends Ctrl-C to Nox; SIGTERM and SIGHUP are passed on.

    Returns:
        0, the exit code of the error's class, 1 for an error in Nox itself, or 128 plus the number of the signal.
    """
    try:
        sessions = find_sessions(call)
        folder = make_folder(call)
    except (PystaticError, OSError) as error:
        return tell(error)
    with temporary_folder() as temporary:
        left = temporary / "exit-code"
        # Not in the project's folder, whose modules would shadow Nox's own.
        code = wait_for(nox_command(call, sessions), cwd=folder, env=nox_environment(call, left))
        return int(left.read_text(encoding="utf-8")) if code == FAILED and left.exists() else code


def tell(error: PystaticError | OSError) -> int:
    """Print one of our errors or one of the operating system's, and return its exit code."""
    ours = file_error(error) if isinstance(error, OSError) else error
    print(ours, file=sys.stderr)
    return ours.exit_code


def nox_command(call: Call, sessions: Sequence[str]) -> list[str]:
    """The command line of Nox."""
    options = ["--envdir", str(environments(call)), "--error-on-missing-interpreters"]
    return [sys.executable, "-m", "nox", "-f", str(NOXFILE), *options, "-s", *sessions, "--", *call.words]


def find_sessions(call: Call) -> list[str]:
    """The names of the sessions to run.

    Raises:
        ConfigError: the configuration or an option is wrong, or no image has one of the names.
    """
    options = parse_options(call.words).config
    configs = load_config(call.root, overrides=call.overrides, environment=os.environ, options=options)
    names = [pick_image(configs, name).name for name in call.images]
    if not names or len(configs) == 1 or STEPS[call.step].is_for_project:
        return [call.step]
    return [f"{call.step}-{name}" for name in dict.fromkeys(names)]


def environments(call: Call) -> Path:
    return call.root / "build" / "pystatic" / "environments"


def make_folder(call: Call) -> Path:
    folder = environments(call)
    unwritable = unwritable_folder(call.root)
    if unwritable:
        raise unwritable
    make_folders(call.root, folder)
    require_no_links(call.root, *folder.iterdir())
    return folder


def nox_environment(call: Call, left: Path) -> dict[str, str]:
    """The environment variables for Nox: the call, and ours without those of an outer Nox or virtual environment."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in NOX_VARIABLES_KEPT or not (name.startswith("NOX") or name == "VIRTUAL_ENV")
    }
    return {**kept, CALL_VARIABLE: json.dumps(asdict(call), default=str), EXIT_CODE_VARIABLE: str(left)}


def wait_for(command: Sequence[str], **options: Any) -> int:
    """Run a program that gets the terminal's signals as well, and SIGTERM if this one is killed.

    Returns:
        0 if it succeeded, 128 plus the number of the first signal received, or else its exit code.
    """
    # The terminal sends Ctrl-C to all of its processes.
    passed_on = {signal.SIGTERM, signal.SIGHUP}
    received: list[int] = []
    running: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: object = None) -> None:
        received.append(number)
        for process in running if number in passed_on else ():
            process.send_signal(number)

    # Use handlers, since a child process would inherit ignored signals.
    with handling(pass_on), subprocess.Popen(with_our_life(command, "TERM"), **options) as process:
        running.append(process)
        for number in passed_on.intersection(received):
            process.send_signal(number)
        code = process.wait()
    # If Nox succeeds in spite of a signal, it has done what was asked.
    if received and code:
        return 128 + received[0]
    return code if code >= 0 else 128 - code


def read_call(environment: Mapping[str, str]) -> Call:
    """In the process of Nox: the call that Nox was started for."""
    content = json.loads(environment[CALL_VARIABLE])
    lists = {name: tuple(content[name]) for name in ("images", "words")}
    return Call(**{**content, **lists, "root": Path(content["root"])})


def shown_as(environment: Mapping[str, str]) -> str:
    """What the user types to run a step, such as "inv {step}", if another front end started Nox; otherwise ""."""
    return read_call(environment).shown_as if CALL_VARIABLE in environment else ""


def leave_exit_code(code: int) -> None:
    """Tell the process that waits in `run` the exit code of the failure; the first one counts."""
    path = os.environ.get(EXIT_CODE_VARIABLE)
    if path:
        with contextlib.suppress(OSError), Path(path).open("x", encoding="utf-8") as file:
            file.write(str(code))
