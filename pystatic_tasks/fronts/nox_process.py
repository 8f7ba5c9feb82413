"""The steps run by Nox for the other fronts: Invoke and the command line.

Nox gets a noxfile that the package carries, which finds the call in an environment variable.
Nox itself ends with 1 whatever failed, so the session that fails leaves the exit code of its kind in a file.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
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
from pystatic_tasks.system.files import unwritable_folder
from pystatic_tasks.system.processes import handling

NOXFILE = Path(__file__).resolve().with_name("carried_noxfile.py")
CALL_VARIABLE = "PYSTATIC_CALL"
EXIT_CODE_VARIABLE = "PYSTATIC_EXIT_CODE"
# The user's wishes for every Nox. All other variables that begin so are about an outer Nox and what it runs.
NOX_VARIABLES_KEPT = ("NOX_DEFAULT_VENV_BACKEND", "NOX_DOWNLOAD_PYTHON")
FAILED = 1  # Nox's exit code when a session failed.


@dataclass(frozen=True, kw_only=True)
class Call:
    """One step to run.

    Attributes:
        root: Folder of the pyproject.toml.
        step: One of `steps.table.STEPS`.
        images: Names of the images; all of them unless given.
        words: What would stand after Nox's `--`.
        overrides: Configuration that goes before that of pyproject.toml, as for `register()`.
        shown_as: What the user types to run a step, such as "inv {step}".
    """

    root: Path
    step: str
    images: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    shown_as: str = ""


def run(call: Call) -> int:
    """Run a step, and those before it, with our input and output.

    Ctrl-C reaches Nox by itself, TERM and HUP are passed on; its end is waited for.

    Returns:
        0, the exit code of the error's class, 1 for an error of Nox's own, or 128 and the number of the signal.
    """
    try:
        sessions = find_sessions(call)
        folder = make_folder(call)
    except (PystaticError, OSError) as error:
        return tell(error)
    with tempfile.TemporaryDirectory(prefix="pystatic-") as temporary:
        left = Path(temporary, "exit-code")
        # Not from the project's folder, whose modules would stand before Nox's own.
        code = wait_for(nox_command(call, sessions), cwd=folder, env=nox_environment(call, left))
        return int(left.read_text(encoding="utf-8")) if code == FAILED and left.exists() else code


def tell(error: PystaticError | OSError) -> int:
    """Tell people of an error of ours or of the system's; the exit code of its kind."""
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
        ConfigError: the configuration or a word is wrong, or there is no image of a name.
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
    """The environment variables for Nox: ours without those of an outer Nox or virtual environment, and the call."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in NOX_VARIABLES_KEPT or not (name.startswith("NOX") or name == "VIRTUAL_ENV")
    }
    return {**kept, CALL_VARIABLE: json.dumps(asdict(call), default=str), EXIT_CODE_VARIABLE: str(left)}


def wait_for(command: Sequence[str], **options: Any) -> int:
    """Run a program that the terminal's signals reach as well.

    Returns:
        0 if it ended well, 128 and the number of a signal that we got, or else its exit code.
    """
    # A terminal sends Ctrl-C to all of its processes by itself.
    passed_on = {signal.SIGTERM, signal.SIGHUP}
    received: list[int] = []
    running: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: object = None) -> None:
        received.append(number)
        for process in running if number in passed_on else ():
            process.send_signal(number)

    # Handlers of Python's, since the program would inherit that a signal is ignored.
    with handling(pass_on), subprocess.Popen(command, **options) as process:
        running.append(process)
        for number in passed_on.intersection(received):
            process.send_signal(number)
        code = process.wait()
    # Nox that ended well all the same has done what it was asked for.
    if received and code:
        return 128 + received[0]
    return code if code >= 0 else 128 - code


def read_call(environment: Mapping[str, str]) -> Call:
    """The call that Nox was started for, in the process of Nox."""
    content = json.loads(environment[CALL_VARIABLE])
    lists = {name: tuple(content[name]) for name in ("images", "words")}
    return Call(**{**content, **lists, "root": Path(content["root"])})


def shown_as(environment: Mapping[str, str]) -> str:
    """What the user types to run a step, such as "inv {step}", where another front started Nox; otherwise ""."""
    return read_call(environment).shown_as if CALL_VARIABLE in environment else ""


def leave_exit_code(code: int) -> None:
    """Tell whoever waits in `run` of which kind the failure is; the first one counts."""
    path = os.environ.get(EXIT_CODE_VARIABLE)
    if path:
        with contextlib.suppress(OSError), Path(path).open("x", encoding="utf-8") as file:
            file.write(str(code))
