from __future__ import annotations

from dataclasses import replace

import pytest

from pystatic_tasks.in_env.client import Answer
from pystatic_tasks.in_env.words import LONGEST, in_both, words_of

PAGE = Answer(status=200, body="Größe <b>page</b> of token_4a7b at 10:47", seconds=0, type="text/html")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, {"Größe", "page", "token"}),
        ({"type": "application/json"}, {"Größe", "page", "token"}),
        ({"type": "application/problem+json"}, {"Größe", "page", "token"}),
        ({"type": "text/css"}, set()),
        ({"type": "image/png"}, set()),
        ({"status": 404}, set()),
        ({"body": "page " * LONGEST}, set()),
    ],
)
def test_the_words_of_texts_are_compared(changes: dict[str, object], words: set[str]) -> None:
    assert words_of(replace(PAGE, **changes)) == words  # type: ignore[arg-type]


def test_words_that_differ_from_one_time_to_the_next_do_not_count() -> None:
    other = replace(PAGE, body="page of Größe, key fdgs")
    assert in_both(PAGE, other, []) == ("Größe", "page")
    assert in_both(PAGE, other, ["/home/Größe"]) == ("page",)
    assert in_both(PAGE, replace(other, status=201), []) == ()
