"""What steps ask of the build environment."""

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
# Not led astray by the current folder, the user's packages and variables.
ISOLATED = ("-I", IN_ENV / "boot.py")
# Written anew by ldconfig, which whatever installs a shared library of the system calls.
CACHE_OF_LIBRARIES = "/etc/ld.so.cache"
# Those in a folder, and those for special processors.
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
        python: The interpreter there.
        module: The module.
        question: What it is asked; None if there is nothing to say.
        folder: Where the question and the answer are written down.
        log: File for the output.
        prefix: What the command begins with.
        arguments: What Python is called with, so that it takes the module and the names of two files.
        options: More arguments of `run_logged`.

    Returns:
        The exit code, and the answer; None if there is none.

    Raises:
        RefusedError: the module says why it has no other answer.
        OSError: the interpreter is none.
        ValueError: what it wrote is no answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    asked, answered = folder / f"{module.name}.question.json", folder / f"{module.name}.answer.json"
    if question is not None:
        write_whole(asked, json.dumps(to_json(question)))
    answered.unlink(missing_ok=True)
    code = run_logged([*prefix, python, *arguments, module.name, asked, answered], log, **options)
    return code, read_answer(module.answer, answered) if answered.exists() else None


def site_packages(python: Path) -> list[Path]:
    """Where the build environment of that interpreter has its packages."""
    return sorted((python.parent.parent / "lib").glob("python3*/site-packages"))


def tools() -> list[Any]:
    """What of the tools that the steps call decides what they make, and which libraries they find."""
    found = filter(None, map(shutil.which, TOOLS))
    search_path = os.environ.get("LD_LIBRARY_PATH", "")
    return [stamps(found), search_path, stamps(libraries_found(search_path))]


def libraries_found(search_path: str) -> Iterator[str]:
    """The files by which the dynamic loader decides between libraries of one name."""
    yield CACHE_OF_LIBRARIES
    for folder in filter(None, search_path.split(":")):
        for pattern in LIBRARIES:
            yield from map(str, Path(folder).glob(pattern))
