"""Requests to the running container, and whether the answers are those declared."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from pystatic_tasks.config.model import ImageConfig, Request
from pystatic_tasks.engines.base import Container
from pystatic_tasks.in_env.web.client import STREAM, Answer, send

POLL_SECONDS = 0.01
# Engines take some ten milliseconds to say whether it still runs, in which it would answer already.
LOOK_SECONDS = 0.25
SHOWN_CHARACTERS = 60
# Statuses by which services say what is wrong with a request.
SAYING_WHY = (400, 422)


def first_path(config: ImageConfig) -> str:
    """What the program is asked for before anything else."""
    return config.smoke.requests[0].path if config.smoke.requests else "/"


def wait_until_ready(container: Container, address: tuple[str, int], path: str, timeout: float) -> bool:
    """Ask for `path` until anything answers; False if it ends before or `timeout` seconds pass."""
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
    """What is wrong with the answer, or "" if it is as declared; a stream of events is, as far as it came.

    Args:
        request: What was asked, and what is declared.
        answer: The answer.
        hide: Gives a text without secrets, which are not known any more once it is cut.
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
    """JSON with one way to write it; unlike in Python, true is not 1 there."""
    return json.dumps(content, sort_keys=True)


def shorten(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
