"""Reads and writes the files with questions to the build environment and its answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from .protocol import Refusal, RefusedError
from .records import from_json, to_json

Question = TypeVar("Question")
Answer = TypeVar("Answer")


def write(path: Path, record: Any) -> None:
    path.write_text(json.dumps(to_json(record)), encoding="utf-8")


def read(kind: type[Answer], path: Path) -> Answer:
    """Read a record of that kind from a file.

    Raises:
        ValueError: the file contains something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("it has too many levels") from None
    return from_json(kind, content)


def respond(kind: type[Question], answer_to: Callable[[Question], Any], question: Path, answer: Path) -> None:
    """Read a question, call a function with it, and write what the function returns, or its refusal.

    Args:
        kind: The type of the question.
        answer_to: The function; may raise RefusedError.
        question: The file to read.
        answer: The file to write.
    """
    try:
        record = answer_to(read(kind, question))
    except RefusedError as refused:
        record = refused.refusal
    write(answer, record)


def read_answer(kind: type[Answer], path: Path) -> Answer:
    """Read what `respond` wrote.

    Raises:
        RefusedError: it is a refusal.
        ValueError: it is neither an answer nor a refusal.
    """
    try:
        return read(kind, path)
    except ValueError:
        refusal = read(Refusal, path)
    raise RefusedError(refusal.problem, refusal.remedy, refusal.details)
