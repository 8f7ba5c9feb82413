from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any, cast

import pytest
from support import serving

from pystatic_tasks.config.model import Request
from pystatic_tasks.engines import Container
from pystatic_tasks.in_env.web.client import STREAM, Answer, free_port, send
from pystatic_tasks.steps.smoke.probes import SHOWN_CHARACTERS, mismatch, shorten, wait_until_ready

Address = tuple[str, int]


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, under the status that the path names."""

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        shown = f"{self.command} {self.path} {self.headers.get('X-Shop', '-')} {body}".encode()
        self.send_response(int(self.path.strip("/")) if self.path.strip("/").isdigit() else 200)
        self.send_header("Content-Length", str(len(shown)))
        self.end_headers()
        self.wfile.write(shown)

    do_GET = do_POST = do_PUT = answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def echo() -> Iterator[Address]:
    with serving(Echo) as address:
        yield address


@contextmanager
def says(answer: bytes) -> Iterator[Address]:
    """A server that sends this to whoever comes first, and hangs up."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            if answer:
                connection.recv(1000)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield "127.0.0.1", server.getsockname()[1]
        finally:
            thread.join()


class FakeContainer:
    """A container that ends after it was looked at so many times."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def running(self) -> bool:
        self.looks -= 1
        return self.looks >= 0


def answered(body: str = "", status: int = 200) -> Answer:
    return Answer(status=status, body=body, seconds=0.0)


def test_what_is_declared_is_asked(echo: Address) -> None:
    request = Request(method="PUT", path="/a?b=c", headers={"X-Shop": "größe"}, body="straße")
    answer = send(request, echo, timeout=5)
    assert (answer.status, answer.body) == (200, "PUT /a?b=c größe straße")
    assert 0 < answer.seconds < 5


def test_any_status_is_an_answer(echo: Address) -> None:
    assert send(Request(path="/503"), echo, timeout=5).status == 503


def test_bytes_that_are_no_text_are_replaced() -> None:
    with says(b"HTTP/1.1 200 OK\r\n\r\n\xff") as address:
        assert send(Request(), address, timeout=5).body == "\ufffd"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 yes\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut off",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    ],
    ids=["hangs up", "not HTTP", "no status", "cut off", "no chunks", "too many headers"],
)
def test_what_is_not_an_http_answer_is_no_answer(answer: bytes) -> None:
    with says(answer) as address:
        assert send(Request(), address, timeout=5).status == 0


def test_a_stream_of_events_is_as_declared_and_any_other_answer_ends() -> None:
    endless = Answer(
        status=200, body="data: one", seconds=1.0, type=STREAM, endless="an answer that did not end within 1 s"
    )
    assert mismatch(Request(), endless) == mismatch(Request(text="one"), endless) == ""
    assert mismatch(Request(text="two"), endless) == "answered 'data: one', expected it to contain 'two'"
    assert mismatch(Request(text="one"), replace(endless, type="text/plain")) == (
        "gave an answer that did not end within 1 s"
    )


def test_nobody_there_is_no_answer() -> None:
    assert send(Request(), ("127.0.0.1", free_port()), timeout=5).status == 0


def test_an_answer_that_does_not_come_in_time_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = send(Request(), ("127.0.0.1", silent.getsockname()[1]), timeout=0.1)
    assert answer.status == 0
    assert answer.seconds < 5


@pytest.mark.parametrize("status", [200, 500])
def test_any_answer_at_all_is_ready(echo: Address, status: int) -> None:
    container = cast(Container, FakeContainer(looks=0))
    assert wait_until_ready(container, echo, f"/{status}", timeout=5)


def test_a_container_that_ends_will_not_become_ready() -> None:
    container = FakeContainer(looks=3)
    assert not wait_until_ready(cast(Container, container), ("127.0.0.1", free_port()), "/", timeout=20)
    assert container.looks == -1


def test_readiness_is_not_waited_for_longer_than_allowed() -> None:
    container = FakeContainer(looks=1_000_000)
    assert not wait_until_ready(cast(Container, container), ("127.0.0.1", free_port()), "/", timeout=0.1)
    assert container.looks > 0


def test_a_service_that_starts_late_is_waited_for(echo: Address) -> None:
    class Late(FakeContainer):
        def running(self) -> bool:
            if self.looks == 2:
                address[1] = echo[1]
            return super().running()

    address: Any = ["127.0.0.1", free_port()]
    assert wait_until_ready(cast(Container, Late(looks=5)), address, "/", timeout=10)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (Request(), answered("anything")),
        (Request(status=404), answered(status=404)),
        (Request(text="größe"), answered("die größe der dinge")),
        (Request(json={"a": [1, None]}), answered('{"a": [1, null]}')),
        (Request(json=False), answered("false")),
        (Request(json=0), answered("0")),
        (Request(text=""), answered("")),
    ],
)
def test_an_answer_as_declared_has_no_mismatch(request_: Request, answer: Answer) -> None:
    assert mismatch(request_, answer) == ""


@pytest.mark.parametrize(
    ("request_", "answer", "text"),
    [
        (Request(), answered(status=0), "no answer"),
        (Request(), answered(status=500), "answered 500, expected 200"),
        (Request(), answered("no 'id'", 422), """answered 422 "no 'id'", expected 200"""),
        (Request(status=201), answered("n" * 61, 400), f"answered 400 '{'n' * 60}…', expected 201"),
        (Request(), answered("", 400), "answered 400, expected 200"),
        (Request(), answered("<html>", 404), "answered 404, expected 200"),
        (Request(text="yes"), answered("no"), "answered 'no', expected it to contain 'yes'"),
        (Request(text="yes"), answered("n" * 61), f"answered '{'n' * 60}…', expected it to contain 'yes'"),
        (Request(json={"a": 1}), answered('{"a": 2}'), """answered '{"a": 2}', expected the JSON {"a": 1}"""),
        (Request(json={"a": 1}), answered("<html>"), """answered '<html>', expected the JSON {"a": 1}"""),
        (Request(json=[]), answered(""), "answered '', expected the JSON []"),
        (Request(json=[]), answered("[" * 100_000), f"answered '{'[' * SHOWN_CHARACTERS}…', expected the JSON []"),
        (Request(status=404, text="x"), answered("y", 200), "answered 200, expected 404"),
    ],
)
def test_a_mismatch_says_what_came_and_what_was_expected(request_: Request, answer: Answer, text: str) -> None:
    assert mismatch(request_, answer) == text


@pytest.mark.parametrize(("asked", "status"), [(Request(text="x"), 200), (Request(json={}), 200), (Request(), 422)])
def test_an_answer_is_without_secrets_before_it_is_cut(asked: Request, status: int) -> None:
    long = answered("-" * (SHOWN_CHARACTERS - 4) + "sesame" * 9, status)
    shown = mismatch(asked, long, lambda text: text.replace("sesame" * 9, "***"))
    assert f" '{'-' * (SHOWN_CHARACTERS - 4)}***', expected " in shown


@pytest.mark.parametrize(
    ("expected", "body", "text"),
    [
        (True, "1", "answered '1', expected the JSON true"),
        ({"ok": 1}, '{"ok": true}', """answered '{"ok": true}', expected the JSON {"ok": 1}"""),
    ],
)
def test_true_is_not_one(expected: Any, body: str, text: str) -> None:
    assert mismatch(Request(json=expected), answered(body)) == text


@pytest.mark.parametrize(("text", "shown"), [("x" * 60, "x" * 60), ("x" * 61, "x" * 60 + "…"), ("", "")])
def test_long_answers_are_shortened(text: str, shown: str) -> None:
    assert shorten(text) == shown
