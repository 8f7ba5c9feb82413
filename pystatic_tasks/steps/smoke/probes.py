"""Requests to the running container, and whether the answers are those declared."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass

from pystatic_tasks.config.model import Request
from pystatic_tasks.engines.base import Container

POLL_SECONDS = 0.01
NO_ANSWER = (OSError, http.client.HTTPException, ValueError)
SHOWN_CHARACTERS = 60


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: the status, 0 for no answer at all, the body, and the time in seconds."""

    status: int
    body: str
    seconds: float


def wait_until_ready(container: Container, address: tuple[str, int], path: str, timeout: float) -> bool:
    """Ask for `path` until anything answers; False if it ends before or `timeout` seconds pass."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if send(Request(path=path), address, timeout=timeout).status:
            return True
        if not container.running():
            return False
        time.sleep(POLL_SECONDS)
    return False


def send(request: Request, address: tuple[str, int], timeout: float) -> Answer:
    started = time.monotonic()
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        connection.request(
            request.method, request.path, body=request.body and request.body.encode(), headers=dict(request.headers)
        )
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
        return Answer(status=response.status, body=body, seconds=time.monotonic() - started)
    except NO_ANSWER:
        return Answer(status=0, body="", seconds=time.monotonic() - started)
    finally:
        connection.close()


def mismatch(request: Request, answer: Answer) -> str:
    """What is wrong with the answer, or "" if it is as declared."""
    if not answer.status:
        return "no answer"
    if answer.status != request.status:
        return f"answered {answer.status}, expected {request.status}"
    if request.text is not None and request.text not in answer.body:
        return f"answered {shorten(answer.body)!r}, expected it to contain {request.text!r}"
    if request.json is not None and canonical(parsed(answer.body)) != canonical(request.json):
        return f"answered {shorten(answer.body)!r}, expected the JSON {json.dumps(request.json)}"
    return ""


def parsed(body: str) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


def canonical(content: object) -> str:
    """JSON with one way to write it; unlike in Python, true is not 1 there."""
    return json.dumps(content, sort_keys=True)


def shorten(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
