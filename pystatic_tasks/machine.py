"""What this machine and the interpreter must bring: asked before anything is installed, and by `pystatic check`."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pystatic_tasks.errors import ConfigError, MissingToolError, PystaticError
from pystatic_tasks.host import tool_environment
from pystatic_tasks.pipeline import megabytes, stamps

WORKBENCH = Path(__file__).resolve().parent / "workbench"
TOOLS = {"strip": "binutils", "objcopy": "binutils", "ldd": "libc-bin"}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
OLDEST_PYTHON = (3, 10)
LARGE_INTERPRETER_BYTES = 15_000_000


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


def check_system() -> None:
    """Raises MissingToolError unless this is Linux."""
    if sys.platform != "linux":
        raise MissingToolError(
            f"Images are built on Linux, and this is {platform.system()}.", "Run it in a Linux machine or container."
        )


def check_tool(tool: str) -> None:
    """Raises MissingToolError unless one of `TOOLS` is there."""
    if shutil.which(tool) is None:
        raise MissingToolError(
            f'The program "{tool}" is not on the PATH.', f"Install it: apt-get install {TOOLS[tool]}."
        )


def check_machine() -> None:
    """Raises MissingToolError unless this is Linux with the tools that the steps call."""
    check_system()
    for tool in TOOLS:
        check_tool(tool)


def tools() -> list[Any]:
    """What of the tools that the steps call decides what they make."""
    found = filter(None, map(shutil.which, TOOLS))
    return [stamps(found), os.environ.get("LD_LIBRARY_PATH", "")]


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
        MissingToolError: it is too old, or brings no shared libpython, without which PyInstaller cannot freeze.
    """
    found = ask_interpreter(python, work)
    if found is None:
        raise MissingToolError(
            f"The interpreter of the build environment, {python}, does not run.",
            "Delete the environment's folder and try again.",
        )
    check_version(found)
    check_libpython(found)
    return Interpreter(version=found["version"], base_prefix=found["base_prefix"], libpython=found["libpython"])


def ask_interpreter(python: Path, work: Path) -> Mapping[str, Any] | None:
    """What an interpreter says of itself, as `workbench/probe.py` puts it; None if it does not run."""
    work.mkdir(parents=True, exist_ok=True)
    answer = work / "interpreter.json"
    command = [str(python), "-I", str(WORKBENCH / "probe.py"), "-", str(answer)]
    answer.unlink(missing_ok=True)
    try:
        subprocess.run(command, check=True, env=tool_environment(), capture_output=True)
        found: Mapping[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None
    return found


def find_interpreter(wanted: str | None, root: Path, work: Path) -> tuple[Path, Mapping[str, Any] | None]:
    """The interpreter that Nox would take, and what it says of itself; None if there is none.

    Args:
        wanted: A version, a name on the PATH or a path; None for the running interpreter.
        root: Where a relative path starts.
        work: A folder for what interpreters answer.
    """
    version = re.fullmatch(r"(?:python)?(\d+(?:\.\d+)*)t?", wanted or "")
    for python in candidates(wanted, root):
        found = ask_interpreter(python, work)
        # Managers of versions put programs of all names on the PATH that do not run, or are another version.
        if found and (version is None or f"{found['version']}.".startswith(f"{version[1]}.")):
            return python, found
    return Path(), None


def candidates(wanted: str | None, root: Path) -> Iterator[Path]:
    if wanted is None:
        yield Path(sys.executable)
    elif "/" in wanted:
        yield root / Path(wanted).expanduser()
    else:
        version = re.fullmatch(r"(?:python)?(\d+(?:\.\d+)?)(?:\.\d+)*(t?)", wanted)
        name = f"python{version[1]}{version[2]}" if version else wanted
        found = (shutil.which(name, path=folder) for folder in os.get_exec_path())
        yield from (Path(path) for path in found if path)
        yield from discovered(wanted)


def discovered(wanted: str) -> Iterator[Path]:
    """What newer versions of Nox find beyond the PATH: ranges of versions, and what pyenv, uv and others installed."""
    try:
        from python_discovery import get_interpreter
    except ImportError:
        return
    found = get_interpreter(wanted)
    if found is not None:
        yield Path(found.executable)


def check_version(found: Mapping[str, Any]) -> None:
    """Raises MissingToolError if an interpreter is too old."""
    if version_of(found) < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise MissingToolError(
            f"Python {found['version']} of {found['base_prefix']} is too old.",
            f'Use Python {oldest} or newer: python = "{oldest}" in [tool.pystatic-tasks].',
        )


def version_of(found: Mapping[str, Any]) -> tuple[int, int]:
    major, minor = found["version"].split(".")[:2]
    return int(major), int(minor)


def check_libpython(found: Mapping[str, Any]) -> None:
    """Raises MissingToolError if an interpreter has no shared libpython."""
    if found["libpython"]:
        return
    minor = ".".join(map(str, version_of(found)))
    raise MissingToolError(
        f"Python {found['version']} of {found['base_prefix']} has no shared libpython, which a frozen program needs.",
        f"Install it: apt-get install libpython{minor}."
        if found["debian"]
        else f"Use a Python built with it: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {minor}, "
        "or the one of your distribution.",
    )


def large_interpreter(name: str, size_bytes: int) -> tuple[str, str]:
    """What there is to say of an interpreter, or its library, above `LARGE_INTERPRETER_BYTES`; and a way out."""
    return (
        f"{name} alone is {megabytes(size_bytes)} (python-build-standalone's are that large)",
        "the Python of a distribution or of pyenv makes a smaller image",
    )
