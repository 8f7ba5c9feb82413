"""Questions and answers in files, which is how they come into the build environment and out of it."""

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
    """A record of that kind from a file.

    Raises:
        ValueError: the file has something else.
    """
    return from_json(kind, json.loads(path.read_text(encoding="utf-8")))


def respond(kind: type[Question], answer_to: Callable[[Question], Any], question: Path, answer: Path) -> None:
    """Answer the question in one file by a function, in another: with what it returns, or why it refuses.

    Args:
        kind: What the question is.
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
    """What `respond` wrote.

    Raises:
        RefusedError: that was why it refuses.
        ValueError: it is neither.
    """
    try:
        return read(kind, path)
    except ValueError:
        refusal = read(Refusal, path)
    raise RefusedError(refusal.problem, refusal.remedy, refusal.details)
