"""Can this machine and this interpreter freeze at all? Asked before anything is installed."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.errors import ConfigError, MissingToolError, PystaticError
from pystatic_tasks.host import tool_environment

WORKBENCH = Path(__file__).resolve().parent / "workbench"
TOOLS = {"strip": "binutils", "objcopy": "binutils", "ldd": "libc-bin"}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """The Python that is frozen into the program."""

    version: str
    base_prefix: str
    libpython: str


def host_platform() -> str:
    """This machine as an OCI platform, such as "linux/amd64"."""
    machine = platform.machine()
    return f"linux/{ARCHITECTURES.get(machine, machine)}"


def check_machine() -> None:
    """Raises MissingToolError unless this is Linux with the tools that the steps call."""
    if sys.platform != "linux":
        raise MissingToolError(
            f"Images are built on Linux, and this is {platform.system()}.", "Run it in a Linux machine or container."
        )
    for tool, package in TOOLS.items():
        if shutil.which(tool) is None:
            raise MissingToolError(
                f'The program "{tool}" is not on the PATH.', f"Install it: apt-get install {package}."
            )


def check_platform(wanted: str | None) -> None:
    """Raises ConfigError if an image for another platform is asked for."""
    if wanted and wanted != host_platform():
        raise ConfigError(
            f"--platform {wanted}: this machine builds {host_platform()} only.",
            "Run it on a machine of that platform.",
        )


def check_libraries(libraries: Sequence[str]) -> None:
    """Raises ConfigError if one of `staticx.libraries` is not there."""
    for library in libraries:
        if not Path(library).is_absolute() or not Path(library).is_file():
            raise ConfigError(
                f'tool.pystatic-tasks.staticx.libraries names "{library}", and there is no such file.',
                "Write the absolute path of a shared library of this machine.",
            )


def missing_libraries(kind: type[PystaticError], name: str, pairs: Iterable[tuple[str, str]]) -> PystaticError:
    """The error of that kind for libraries of the image `name`: pairs (file, library that it needs)."""
    return kind(
        f"Libraries that {name} needs are not on this machine:",
        "Install them here, or leave out what needs them: freeze.excludes.",
        [f"{library}, needed by {file}" for file, library in pairs],
    )


def check_interpreter(python: Path, work: Path) -> Interpreter:
    """Ask the build environment's interpreter what it is.

    Raises:
        MissingToolError: it brings no shared libpython, without which PyInstaller cannot freeze.
    """
    work.mkdir(parents=True, exist_ok=True)
    answer = work / "interpreter.json"
    command = [str(python), "-I", str(WORKBENCH / "probe.py"), "-", str(answer)]
    answer.unlink(missing_ok=True)
    try:
        subprocess.run(command, check=True, env=tool_environment(), capture_output=True)
        found = json.loads(answer.read_text(encoding="utf-8"))
    except (OSError, subprocess.CalledProcessError, ValueError):
        raise MissingToolError(
            f"The interpreter of the build environment, {python}, does not run.",
            "Delete the environment's folder and try again.",
        ) from None
    if not found["libpython"]:
        minor = ".".join(found["version"].split(".")[:2])
        raise MissingToolError(
            f"Python {found['version']} of {found['base_prefix']} has no shared libpython, "
            "which a frozen program needs.",
            f"Install it: apt-get install libpython{minor}."
            if found["debian"]
            else f"Use a Python built with it: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {minor}, "
            "or the one of your distribution.",
        )
    return Interpreter(version=found["version"], base_prefix=found["base_prefix"], libpython=found["libpython"])
