"""Finds the interpreter to freeze, and checks whether it can be frozen."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.in_env.modules import PROBE
from pystatic_tasks.in_env.probe import Probed
from pystatic_tasks.in_env.protocol import Form
from pystatic_tasks.steps.build_environment import ask
from pystatic_tasks.steps.results import Interpreter
from pystatic_tasks.system.beneath import temporary_folder
from pystatic_tasks.system.processes import tool_environment

OLDEST_PYTHON = (3, 10)
USE_NEWER = 'Use Python {0}.{1} or newer: python = "{0}.{1}" in [tool.pystatic-tasks].'.format(*OLDEST_PYTHON)
# The form in which Nox names interpreters by version.
VERSION = r"(?:python)?(\d{1,9}(?:\.\d{1,9})*)t?"


def check_interpreter(python: Path, work: Path, form: Form) -> Interpreter:
    """Check that the build environment's interpreter can be frozen.

    Args:
        python: The interpreter.
        work: A folder for its answer.
        form: How to freeze the program; PyInstaller's archive needs a shared libpython.

    Raises:
        MissingToolError: it is too old or free-threaded, or has no shared libpython although one is needed.
    """
    found = ask_interpreter(python, work)
    if found is None:
        raise MissingToolError(
            f"The interpreter of the build environment, {python}, does not run.",
            "Delete the environment's folder and try again.",
        )
    check_version(found)
    check_threads(found)
    if form == "archive":
        check_libpython(found)
    return Interpreter(
        version=found.version,
        base_prefix=found.base_prefix,
        libpython=found.libpython,
        import_path=found.import_path,
    )


def ask_interpreter(python: Path, work: Path) -> Probed | None:
    """Facts about an interpreter; None if it does not run."""
    log = work / "interpreter.log"
    try:
        _, found = ask(python, PROBE, None, folder=work, log=log, verbose=False, env=tool_environment())
    except (OSError, ValueError):
        return None
    return found


def find_interpreter(wanted: str | None, root: Path, work: Path) -> tuple[Path, Probed | None]:
    """The interpreter that Nox would use, and facts about it, which are None if there is no such interpreter.

    Args:
        wanted: A version, a name on the PATH or a path; None for the running interpreter.
        root: The folder that a relative path starts from.
        work: A folder for the answers of interpreters.
    """
    version = re.fullmatch(VERSION, wanted or "")
    for python in candidates(wanted, root):
        found = ask_interpreter(python, work)
        # Version managers put programs on the PATH that do not run, or are of another version than their name says.
        if found and (version is None or f"{found.version}.".startswith(f"{version[1]}.")):
            return python, found
    return Path(), None


def meant_by(wanted: str | None, root: Path) -> str:
    """A text that identifies the interpreter that Nox would use now: a name or a version may mean another one later.

    The arguments are those of `find_interpreter`. An interpreter that is not found is identified by its name.
    """
    if wanted is None:
        return f"{sys.base_prefix} {platform.python_version()}"
    with temporary_folder() as folder:
        _, found = find_interpreter(wanted, root, folder)
    return f"{found.base_prefix} {found.version}" if found else wanted


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
    """What newer versions of Nox find besides the PATH: version ranges, and installations of pyenv, uv and others."""
    try:
        from python_discovery import get_interpreter
    except ImportError:
        return
    found = get_interpreter(wanted)
    if found is not None:
        yield Path(found.executable)


def check_version(found: Probed) -> None:
    """Raise MissingToolError if an interpreter is too old."""
    if version_of(found) < OLDEST_PYTHON:
        raise MissingToolError(f"Python {found.version} of {found.base_prefix} is too old.", USE_NEWER)


def remedy_for_missing(wanted: str | None) -> str:
    """What to do about a missing interpreter; does not advise to install one that would be rejected."""
    version = re.fullmatch(VERSION, wanted or "")
    numbers = tuple(map(int, version[1].split(".")[:2])) if version else ()
    is_old = bool(numbers) and numbers < OLDEST_PYTHON[: len(numbers)]
    return USE_NEWER if is_old else "Install it, or correct tool.pystatic-tasks.python."


def check_threads(found: Probed) -> None:
    """Raise MissingToolError if an interpreter is free-threaded."""
    if found.free_threaded:
        minor = ".".join(map(str, version_of(found)))
        raise MissingToolError(
            f"Python {found.version} of {found.base_prefix} is free-threaded, which is not supported yet.",
            f'Use the usual one: python = "{minor}" in [tool.pystatic-tasks].',
        )


def version_of(found: Probed) -> tuple[int, int]:
    major, minor = found.version.split(".")[:2]
    return int(major), int(minor)


def check_libpython(found: Probed) -> None:
    """Raise MissingToolError if an interpreter has no shared libpython."""
    if not found.libpython:
        raise MissingToolError(
            f"Python {found.version} of {found.base_prefix} has no shared libpython, "
            "which a program packed by StaticX needs.",
            f'Set packer = "launcher", which needs none, or {remedy_for_libpython(found)}',
        )


def remedy_for_libpython(found: Probed) -> str:
    """How to get a shared libpython, as the end of a sentence."""
    minor = ".".join(map(str, version_of(found)))
    if found.debian:
        return f"install it: apt-get install libpython{minor}."
    return (
        f"use a Python built with it: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {minor}, "
        "or the one of your distribution."
    )
