from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pystatic_tasks.in_env.exchange import read, read_answer, respond, write
from pystatic_tasks.in_env.protocol import Refusal, RefusedError


@dataclass(frozen=True, kw_only=True)
class Question:
    numbers: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    total: int


def add(question: Question) -> Answer:
    return Answer(total=sum(question.numbers))


def refuse(question: Question) -> Answer:
    raise RefusedError("Too many:", "Ask for fewer.", map(str, question.numbers))


@pytest.fixture
def answer(tmp_path: Path) -> Callable[[Callable[[Question], Answer]], Path]:
    """The file with what a function answers to 1 and 2."""

    def answer(function: Callable[[Question], Answer]) -> Path:
        write(tmp_path / "question.json", Question(numbers=(1, 2)))
        respond(Question, function, tmp_path / "question.json", tmp_path / "answer.json")
        return tmp_path / "answer.json"

    return answer


def test_what_a_function_returns_is_the_answer(answer: Callable[..., Path]) -> None:
    assert read_answer(Answer, answer(add)) == Answer(total=3)


def test_why_it_refuses_is_raised_where_it_was_asked(answer: Callable[..., Path]) -> None:
    with pytest.raises(RefusedError) as caught:
        read_answer(Answer, answer(refuse))
    assert caught.value.refusal == Refusal(problem="Too many:", remedy="Ask for fewer.", details=("1", "2"))


@pytest.mark.parametrize("content", [{"sum": 3}, [], "3", {}])
def test_what_is_no_answer_is_not_taken_for_one(tmp_path: Path, content: object) -> None:
    (tmp_path / "answer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match="Refusal"):
        read_answer(Answer, tmp_path / "answer.json")


def test_a_file_that_was_cut_off_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_text('{"total": ', encoding="utf-8")
    with pytest.raises(ValueError, match="Expecting value"):
        read(Answer, tmp_path / "answer.json")


def test_what_has_too_many_levels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "question.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(ValueError, match="too many levels"):
        read(Question, tmp_path / "question.json")
