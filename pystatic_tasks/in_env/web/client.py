"""Sends HTTP requests, and reads the answers within limits."""

from __future__ import annotations

import functools
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

LOOPBACK = "127.0.0.1"
LARGEST_BYTES = 64 * 10**6
# Server-sent events, which may never end: https://html.spec.whatwg.org/multipage/server-sent-events.html
STREAM = "text/event-stream"


class Request(Protocol):
    """A request."""

    @property
    def path(self) -> str:
        """Path and query."""

    @property
    def method(self) -> str:
        """HTTP method."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers, in addition to those of every request."""

    @property
    def body(self) -> str | None:
        """Body, if it has one."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer.

    Attributes:
        status: HTTP status; 0 for no answer.
        body: The body as text, as far as it was received.
        seconds: How long it took.
        type: Media type of the body.
        endless: Which limit the body exceeded, as part of a sentence; "" if it ended.
    """

    status: int
    body: str
    seconds: float
    type: str = ""
    endless: str = ""


def send(request: Request, address: tuple[str, int], timeout: float) -> Answer:
    """Send a request to host and port; read at most `timeout` seconds and LARGEST_BYTES, as an answer may not end."""
    # Most modules that import this one send nothing, and these imports are slow.
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
    """A TCP port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_taken(port: int) -> bool:
    """Whether something listens on a TCP port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
