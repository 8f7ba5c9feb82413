from __future__ import annotations

from dataclasses import replace

import pytest

from pystatic_tasks.in_env.web.client import Answer
from pystatic_tasks.in_env.web.words import LONGEST, in_both, words_of

PAGE = Answer(status=200, body="Größe <b>page</b> of token_4abcd, sign-in at 10:47 हिन्दी", seconds=0, type="text/html")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, {"Größe", "page", "sign", "हिन्दी"}),
        ({"type": "application/json"}, {"Größe", "page", "sign", "हिन्दी"}),
        ({"type": "application/vnd.my-api.v2+json"}, {"Größe", "page", "sign", "हिन्दी"}),
        ({"type": "text/css"}, set()),
        ({"type": "image/png"}, set()),
        ({"status": 404}, set()),
        ({"body": b"compressed page \x91\xff".decode("utf-8", "replace")}, set()),
        ({"body": "page " * LONGEST}, set()),
        ({"endless": "an answer that did not end within 1 s"}, set()),
    ],
)
def test_the_words_of_texts_are_compared(changes: dict[str, object], words: set[str]) -> None:
    assert words_of(replace(PAGE, **changes)) == words  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "token", ["9f3facedb-12ab-4cde-8f00-0123456789ab", "Zm9vYmFyYmF6cXV4-x1", "0x7fcadbe1", "tmp_k3jdfsuw", "of a by"]
)
def test_what_is_made_up_each_time_has_no_words(token: str) -> None:
    assert words_of(replace(PAGE, body=f"<{token}>")) == set()


def test_words_that_differ_from_one_time_to_the_next_do_not_count() -> None:
    other = replace(PAGE, body="page of Größe, key other")
    assert in_both(PAGE, other, []) == ("Größe", "page")
    assert in_both(PAGE, other, ["/home/Größe"]) == ("page",)
    assert in_both(PAGE, replace(other, status=201), []) == ()
