from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from support import serving

from pystatic_tasks.config.model import Request
from pystatic_tasks.in_env.protocol import ObservedAnswer
from pystatic_tasks.in_env.web.client import Answer, free_port
from pystatic_tasks.steps.smoke.page_parts import lacking_parts, lacks_parts

BODY = """<script src="/a.js"></script><link rel="icon" href="i.ico"><img src="/old.png">"""
PAGE = Answer(status=200, body=BODY, seconds=0, type="text/html")
PLAIN = ObservedAnswer(
    request="GET /", status=200, type="text/html", parts=(("/a.js", 200), ("/i.ico", 304), ("/old.png", 404))
)


class OnlyIcons(BaseHTTPRequestHandler):
    """Has nothing but an icon."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/i.ico" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def icons() -> Iterator[tuple[str, int]]:
    with serving(OnlyIcons) as address:
        yield address


def test_what_the_plain_program_had_must_be_in_the_image(icons: tuple[str, int]) -> None:
    assert lacking_parts(Request(path="/"), PAGE, PLAIN, icons, 10) == [("/a.js", 404)]


@pytest.mark.parametrize(
    ("parts", "lacking"),
    [
        ((("/a.123.js", 200), ("/i.ico", 200)), [("/a.js", 404), ("/old.png", 404)]),
        ((("/a.123.js", 200), ("/i.ico", 500)), []),
        ((("/a.123.js", 200), ("/i.ico", 0)), []),
        ((), []),
    ],
)
def test_where_names_differ_all_must_be_there_if_the_plain_program_had_all(
    icons: tuple[str, int], parts: tuple[tuple[str, int], ...], lacking: list[tuple[str, int]]
) -> None:
    assert lacking_parts(Request(path="/"), PAGE, replace(PLAIN, parts=parts), icons, 10) == lacking


def test_what_has_no_answer_is_lacking(icons: tuple[str, int]) -> None:
    nowhere = ("127.0.0.1", free_port())
    assert lacking_parts(Request(path="/"), PAGE, PLAIN, nowhere, 10) == [("/a.js", 0), ("/i.ico", 0)]


def test_nothing_is_requested_after_the_timeout(icons: tuple[str, int]) -> None:
    assert lacking_parts(Request(path="/"), PAGE, PLAIN, icons, 0) == []


def test_what_is_lacking_is_told() -> None:
    assert lacks_parts([("/a.js", 404), ("/b.js", 0)]) == (
        "the page loads /a.js, answered 404, /b.js, which has no answer; the plain program has it"
    )
