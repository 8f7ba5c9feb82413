"""Requests of HTTP, and what came back."""

from __future__ import annotations

import functools
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

LOOPBACK = "127.0.0.1"
LARGEST_BYTES = 64 * 10**6
# Of server-sent events, which may go on for ever: https://html.spec.whatwg.org/multipage/server-sent-events.html
STREAM = "text/event-stream"


class Request(Protocol):
    """What is asked."""

    @property
    def path(self) -> str:
        """Path and query."""

    @property
    def method(self) -> str:
        """Method of HTTP."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers, beside those of every request."""

    @property
    def body(self) -> str | None:
        """Body, if it has one."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        status: That of HTTP; 0 for no answer at all.
        body: As text, as far as it came.
        seconds: How long it took.
        type: Media type of the body.
        endless: Why there was no end to it, as part of a sentence; "" if it ended.
    """

    status: int
    body: str
    seconds: float
    type: str = ""
    endless: str = ""


def send(request: Request, address: tuple[str, int], timeout: float) -> Answer:
    """Ask at host and port; read for at most `timeout` seconds and LARGEST_BYTES, since not all answers have an end."""
    # Most who import this module ask nothing, and these take long to load.
    import http.client

    from .bounded import Limits, Response, read_all

    limits = Limits(size_bytes=LARGEST_BYTES, seconds=timeout)
    started = time.monotonic()
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    connection.response_class = functools.partial(Response, limits=limits)  # type: ignore[assignment]
    try:
        connection.request(
            request.method, request.path, body=request.body and request.body.encode(), headers=dict(request.headers)
        )
        response = cast(Response, connection.getresponse())
        body, limit = read_all(response)
        return Answer(
            status=response.status,
            body=body.decode("utf-8", "replace"),
            seconds=time.monotonic() - started,
            type=response.headers.get_content_type(),
            endless=why_endless(limit, timeout),
        )
    except (OSError, http.client.HTTPException, ValueError):
        return Answer(status=0, body="", seconds=time.monotonic() - started)
    finally:
        connection.close()


def why_endless(limit: OSError | None, timeout: float) -> str:
    if limit is None:
        return ""
    if isinstance(limit, TimeoutError):
        return f"an answer that did not end within {timeout:g} s"
    return f"an answer of more than {LARGEST_BYTES // 10**6} MB"


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_taken(port: int) -> bool:
    """Whether somebody listens on a TCP port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
