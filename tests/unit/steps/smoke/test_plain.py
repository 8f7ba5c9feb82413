from __future__ import annotations

from dataclasses import replace

import pytest

from pystatic_tasks.config.model import Request
from pystatic_tasks.in_env.protocol import ObservedAnswer
from pystatic_tasks.in_env.web.client import Answer
from pystatic_tasks.steps.smoke.plain import Plain, is_another_text, lacks, missing_words, unlike_plain

PAGE = ObservedAnswer(
    request="GET /", status=200, type="text/html", words=("Dieses", "Feld", "page"), files=("shop/page.html",)
)
SAME = "Dieses Feld of a page"


@pytest.mark.parametrize(
    ("problem", "status", "kind", "seen"),
    [
        ("", 200, "text/html", ""),
        (
            "",
            200,
            "text/plain",
            "answered 200, text/plain, the plain program 200, text/html after reading shop/page.html",
        ),
        (
            "answered 404, expected 200",
            404,
            "text/plain",
            "{}; the plain program answered 200, text/html after reading shop/page.html",
        ),
        ("answered 'a', expected it to contain 'b'", 200, "text/html", "{}"),
        ("no answer", 0, "", "{}"),
    ],
)
def test_an_answer_is_compared_with_that_of_the_plain_program(problem: str, status: int, kind: str, seen: str) -> None:
    answer = Answer(status=status, body=SAME, seconds=0, type=kind)
    request = Request(path="/")
    assert unlike_plain(request, answer, problem, PAGE) == seen.format(problem)
    assert unlike_plain(request, answer, problem, None) == problem
    assert unlike_plain(request, answer, problem, replace(PAGE, status=0)) == problem


def test_an_error_of_the_plain_program_too_is_told_as_such() -> None:
    failed = replace(PAGE, status=500, files=())
    answer = Answer(status=500, body="", seconds=0, type="text/html")
    problem = "answered 500, expected 200"
    assert unlike_plain(Request(path="/"), answer, problem, failed) == f"{problem}; the plain program answered so too"
    assert unlike_plain(Request(path="/"), answer, problem, replace(failed, status=404)) == (
        f"{problem}; the plain program answered 404, text/html"
    )


def test_the_image_may_answer_as_declared_where_the_plain_program_did_not() -> None:
    answer = Answer(status=200, body="body {}", seconds=0, type="text/css")
    assert unlike_plain(Request(path="/"), answer, "", replace(PAGE, status=404)) == ""
    gone = replace(answer, status=404)
    assert unlike_plain(Request(path="/", status=404), gone, "", replace(PAGE, files=())) == (
        "answered 404, text/css, the plain program 200, text/html"
    )


def text(body: str) -> Answer:
    return Answer(status=200, body=body, seconds=0, type="text/html")


@pytest.mark.parametrize(
    ("bodies", "missing"),
    [
        ([f"more: {SAME}"], []),
        (["This field of a page"], ["Dieses", "Feld"]),
        (["Dieses field of a page", "This Feld of a page"], []),
    ],
)
def test_words_are_missing_that_no_answer_has(bodies: list[str], missing: list[str]) -> None:
    assert missing_words(Request(path="/"), map(text, bodies), PAGE) == missing
    assert missing_words(Request(path="/"), map(text, bodies), None) == []


def test_nothing_is_asked_again_that_has_all_words() -> None:
    answers = iter([text(SAME), text(SAME)])
    missing_words(Request(path="/"), answers, PAGE)
    assert next(answers).body == SAME


@pytest.mark.parametrize("declared", [Request(path="/", text="field"), Request(path="/", json={"a": 1})])
def test_what_is_declared_of_a_body_is_all_that_it_is_held_to(declared: Request) -> None:
    assert missing_words(declared, [text("This field")], PAGE) == []


@pytest.mark.parametrize(
    ("missing", "all_words", "is_another"),
    [
        (["Dieses", "Feld", "zwingend"], ["Dieses", "Feld", "zwingend", "page"], True),
        (["Sunday", "September"], ["Sunday", "September", "page"], False),
        (["Sunday", "September", "morning"], [f"word{letter}" for letter in "abcdefghijklmnop"], False),
    ],
)
def test_a_page_in_another_language_is_another_and_that_of_another_day_is_not(
    missing: list[str], all_words: list[str], is_another: bool
) -> None:
    assert is_another_text(missing, replace(PAGE, words=tuple(all_words))) is is_another


def test_many_words_and_files_are_cut() -> None:
    assert lacks(["four", "one", "three", "two"], replace(PAGE, files=())) == (
        'lacks "four", "one", "three" …, which the plain program answered'
    )
    assert lacks(["four"], PAGE) == 'lacks "four", which the plain program answered after reading shop/page.html'


def test_answers_belong_to_requests_by_their_order() -> None:
    german = replace(PAGE, words=("Feld",))
    plain = Plain((PAGE, german))
    assert plain.answer_to(0, Request(path="/")) is PAGE
    assert plain.answer_to(1, Request(path="/", headers={"Accept-Language": "de"})) is german
    assert plain.answer_to(1, Request(path="/other")) is None
    assert plain.answer_to(2, Request(path="/")) is None
