from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator

import pytest
from hostile import HANG_UP, Hostile, hostile_server

from pystatic_tasks.config.model import Request
from pystatic_tasks.in_env.web import client
from pystatic_tasks.in_env.web.client import Answer, free_port, is_taken, send

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


def test_a_port_is_taken_while_somebody_listens() -> None:
    port = free_port()
    assert not is_taken(port)
    with socket.create_server(("127.0.0.1", port)):
        assert is_taken(port)


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    with hostile_server() as made:
        yield made


def ask(hostile: Hostile, timeout: float = 0.2) -> Answer:
    return send(Request(path="/"), ("127.0.0.1", hostile.port), timeout)


@pytest.mark.parametrize(
    ("start", "body"),
    [
        (HEAD + b"\r\ndata: one\n\n", "data: one\n\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nb\r\ndata: one\n\n\r\n", "data: one\n\n"),
        (HEAD + b"Content-Length: 100\r\n\r\ndata: one\n\n", "data: one\n\n"),
        (HEAD + b"\r\n", ""),
    ],
)
def test_what_came_of_a_stream_is_the_answer(hostile: Hostile, start: bytes, body: str) -> None:
    hostile.behave = lambda heard: [start]
    answer = ask(hostile)
    assert (answer.status, answer.type, answer.body) == (200, "text/event-stream", body)
    assert answer.endless == "an answer that did not end within 0.2 s"
    assert answer.seconds < 1


@pytest.mark.parametrize("parameters", [b"; boundary*=x; boundary*0=y", b'; a="' + (b";" * 65_000 + b"\r\n ") * 4])
def test_no_head_is_read_as_that_of_a_mail(hostile: Hostile, parameters: bytes) -> None:
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: multipart/mixed" + parameters
    hostile.behave = lambda heard: [head + b"\r\nContent-Length: 3\r\n\r\nabc"]
    answer = ask(hostile, timeout=10)
    assert (answer.status, answer.type, answer.body) == (200, "multipart/mixed", "abc")
    assert answer.seconds < 2


def test_an_answer_has_a_largest_size(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LARGEST_BYTES", 1_000_000)
    hostile.behave = lambda heard: itertools.chain([HEAD + b"\r\n"], itertools.repeat(b"x" * 65536))
    answer = ask(hostile, timeout=10)
    assert (answer.status, answer.endless) == (200, "an answer of more than 1 MB")
    assert 900_000 < len(answer.body) < 1_000_000


@pytest.mark.parametrize("piece", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK", b"x"])
def test_what_never_begins_is_no_answer(hostile: Hostile, piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LARGEST_BYTES", 1_000_000)
    hostile.behave = lambda heard: itertools.repeat(piece * 1000)
    answer = ask(hostile)
    assert answer.status == 0
    assert answer.seconds < 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"Content-Length: 3\r\n\r\nab", 0),
        (HEAD + b"Content-Length: 3\r\n\r\nabc", 200),
        (HEAD + b"\r\nabc", 200),
        (HEAD + b"Content-Length: 1000000000000000000\r\n\r\nabc", 0),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\nabc", 0),
    ],
)
def test_what_is_cut_off_is_no_answer(hostile: Hostile, sent: bytes, status: int) -> None:
    hostile.behave = lambda heard: [sent, HANG_UP]
    answer = ask(hostile, timeout=10)
    assert (answer.status, answer.endless) == (status, "")
