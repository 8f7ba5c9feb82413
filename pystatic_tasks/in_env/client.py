"""Requests of HTTP, and what came back."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

LOOPBACK = "127.0.0.1"


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
    """What came back: the status, 0 for no answer at all, the body, its type, and the time in seconds."""

    status: int
    body: str
    seconds: float
    type: str = ""


def send(request: Request, address: tuple[str, int], timeout: float) -> Answer:
    """Ask at host and port; `timeout` seconds without anything are no answer."""
    # Most who import this module ask nothing, and it takes long to load.
    import http.client

    started = time.monotonic()
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        connection.request(
            request.method, request.path, body=request.body and request.body.encode(), headers=dict(request.headers)
        )
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
        return Answer(
            status=response.status,
            body=body,
            seconds=time.monotonic() - started,
            type=response.headers.get_content_type(),
        )
    except (OSError, http.client.HTTPException, ValueError):
        return Answer(status=0, body="", seconds=time.monotonic() - started)
    finally:
        connection.close()


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
