"""Asks modules in the build environment, and finds what decides their answers."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pystatic_tasks.in_env.exchange import read_answer
from pystatic_tasks.in_env.modules import Answer, Module, Question
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.in_env.stamps import stamps
from pystatic_tasks.system.files import write_whole
from pystatic_tasks.system.machine import TOOLS
from pystatic_tasks.system.processes import run_logged

IN_ENV = Path(__file__).resolve().parents[1] / "in_env"
# Not affected by the current folder, and the user's packages and variables.
ISOLATED = ("-I", IN_ENV / "boot.py")
# ldconfig rewrites it whenever a shared library of the system is installed.
CACHE_OF_LIBRARIES = "/etc/ld.so.cache"
# The libraries in a folder, and those for special processors.
LIBRARIES = ("*.so*", "glibc-hwcaps/*/*.so*")


def ask(
    python: Path,
    module: Module[Question, Answer],
    question: Question,
    *,
    folder: Path,
    log: Path,
    arguments: Sequence[object] = ISOLATED,
    prefix: Sequence[str] = (),
    **options: Any,
) -> tuple[int, Answer | None]:
    """Let a module of `in_env` answer a question in the build environment.

    Args:
        python: The interpreter of the environment.
        module: The module.
        question: The question; None if it needs none.
        folder: The folder for the files with the question and the answer.
        log: File for the output.
        arguments: The arguments with which Python takes the module's name and the names of these two files.
        prefix: The words before the interpreter in the command.
        options: More arguments of `run_logged`.

    Returns:
        The exit code, and the answer; None if there is none.

    Raises:
        RefusedError: the module explains why it has no other answer.
        OSError: the interpreter cannot be run.
        ValueError: the module did not write a valid answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    asked, answered = folder / f"{module.name}.question.json", folder / f"{module.name}.answer.json"
    if question is not None:
        write_whole(asked, json.dumps(to_json(question)))
    answered.unlink(missing_ok=True)
    code = run_logged([*prefix, python, *arguments, module.name, asked, answered], log, **options)
    try:
        return code, read_answer(module.answer, answered) if answered.exists() else None
    finally:
        # It may contain credentials, such as a caller's value in the path of a file that was opened.
        answered.unlink(missing_ok=True)


def site_packages(python: Path) -> list[Path]:
    """The folders for packages in the build environment of this interpreter."""
    return sorted((python.parent.parent / "lib").glob("python3*/site-packages"))


def tools() -> list[Any]:
    """What decides the results of the steps' tools, and which libraries they find."""
    found = filter(None, map(shutil.which, TOOLS))
    search_path = os.environ.get("LD_LIBRARY_PATH", "")
    return [stamps(found), search_path, stamps(libraries_found(search_path))]


def libraries_found(search_path: str) -> Iterator[str]:
    """The files by which the dynamic loader chooses between libraries of the same name."""
    yield CACHE_OF_LIBRARIES
    for folder in filter(None, search_path.split(":")):
        for pattern in LIBRARIES:
            yield from map(str, Path(folder).glob(pattern))
