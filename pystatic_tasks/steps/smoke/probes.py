"""Sends requests to the running container, and compares its answers with the declared ones."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from pystatic_tasks.config.model import ImageConfig, Request
from pystatic_tasks.engines.base import Container
from pystatic_tasks.in_env.web.client import STREAM, Answer, send

POLL_SECONDS = 0.01
# Engines take some ten milliseconds to say whether it still runs; in this time it may already answer.
LOOK_SECONDS = 0.25
SHOWN_CHARACTERS = 60
# Statuses with which services explain what is wrong with a request.
SAYING_WHY = (400, 422)


def first_path(config: ImageConfig) -> str:
    """The path of the first request."""
    return config.smoke.requests[0].path if config.smoke.requests else "/"


def wait_until_ready(container: Container, address: tuple[str, int], path: str, timeout: float) -> bool:
    """Request `path` until there is an answer; False if the program ends before, or after `timeout` seconds."""
    looked = time.monotonic()
    end = looked + timeout
    while time.monotonic() < end:
        if send(Request(path=path), address, timeout=timeout).status:
            return True
        if time.monotonic() - looked >= LOOK_SECONDS:
            if not container.running():
                return False
            looked = time.monotonic()
        time.sleep(POLL_SECONDS)
    return False


def mismatch(request: Request, answer: Answer, hide: Callable[[str], str] = str) -> str:
    """How the answer differs from the declared one, or "". A stream of events is checked as far as it was received.

    Args:
        request: The request, and what is declared.
        answer: The answer.
        hide: Removes secrets from a text; called before it is shortened, which would make secrets unrecognizable.
    """
    if not answer.status:
        return "no answer"
    if answer.status != request.status:
        why = f" {shorten(hide(answer.body))!r}" if answer.status in SAYING_WHY and answer.body else ""
        return f"answered {answer.status}{why}, expected {request.status}"
    if answer.endless and answer.type != STREAM:
        return f"gave {answer.endless}"
    if request.text is not None and request.text not in answer.body:
        return f"answered {shorten(hide(answer.body))!r}, expected it to contain {request.text!r}"
    if request.json is not None and canonical(parsed(answer.body)) != canonical(request.json):
        return f"answered {shorten(hide(answer.body))!r}, expected the JSON {json.dumps(request.json)}"
    return ""


def parsed(body: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def canonical(content: object) -> str:
    """JSON in a unique form, in which, unlike in Python, true and 1 are different."""
    return json.dumps(content, sort_keys=True)


def shorten(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
