"""Compares the image's answers with those of the plain program when it was observed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pystatic_tasks.config.model import ImageConfig, Request
from pystatic_tasks.in_env.protocol import ObservedAnswer
from pystatic_tasks.in_env.web.client import Answer
from pystatic_tasks.in_env.web.words import words
from pystatic_tasks.steps.manifest import read_manifest
from pystatic_tasks.steps.results import Frozen

SHOWN = 3
# A text counts as another one if at least this many words are missing, and at least one in five.
FEWEST, SHARE = 3, 5
SERVER_ERROR = 500
SO_TOO = "; the plain program answered so too"


@dataclass(frozen=True)
class Plain:
    """The plain program's answers to the requests, in their order, and the errors that it logged."""

    answers: Sequence[ObservedAnswer] = ()
    errors: Sequence[str] = ()

    def answer_to(self, number: int, request: Request) -> ObservedAnswer | None:
        """The answer to the request of this number; None if it was not sent."""
        is_there = number < len(self.answers) and self.answers[number].request == f"{request.method} {request.path}"
        return self.answers[number] if is_there else None


def read_plain(config: ImageConfig) -> Plain:
    """The records of the plain program; empty if it was not observed."""
    frozen = read_manifest(config, Frozen)
    if frozen is None:
        return Plain()
    return Plain(frozen.result.answers, frozen.result.errors)


def unlike_plain(request: Request, answer: Answer, problem: str, plain: ObservedAnswer | None) -> str:
    """What is wrong with an answer.

    Args:
        request: The request.
        answer: The image's answer.
        problem: How it differs from the declared answer; "" if it does not.
        plain: The plain program's answer.

    Returns:
        The problem, with the plain program's answer if that was different; "" if there is none.
    """
    if plain is None or not plain.status or not answer.status:
        return problem
    is_same = (answer.status, answer.type) == (plain.status, plain.type)
    there = f"{plain.status}, {plain.type}{what_was_read(plain)}"
    if problem:
        same = SO_TOO if answer.status >= SERVER_ERROR else ""
        return f"{problem}{same}" if is_same else f"{problem}; the plain program answered {there}"
    # An image can do more than the plain program: for example, Django's static files are collected only for it.
    if answer.status < 400 <= plain.status:
        return ""
    if not is_same:
        return f"answered {answer.status}, {answer.type}, the plain program {there}"
    return ""


def what_was_read(plain: ObservedAnswer) -> str:
    return f" after reading {listed(plain.files)}" if plain.files else ""


def missing_words(request: Request, answers: Iterable[Answer], plain: ObservedAnswer | None) -> list[str]:
    """The words that the plain program answered both times but the image in none of these answers, sorted."""
    is_declared = request.text is not None or request.json is not None
    missing = set(plain.words) if plain and not is_declared else set()
    for answer in answers if missing else ():
        missing -= words(answer.body)
        if not missing:
            break
    return sorted(missing)


def is_another_text(missing: Sequence[str], plain: ObservedAnswer) -> bool:
    """Whether so many words are missing that date, chance or machine cannot be the reason."""
    return len(missing) >= FEWEST and len(missing) * SHARE >= len(plain.words)


def lacks(missing: Sequence[str], plain: ObservedAnswer) -> str:
    quoted = [f'"{word}"' for word in missing]
    return f"lacks {listed(quoted)}, which the plain program answered{what_was_read(plain)}"


def listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
