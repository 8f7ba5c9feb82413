from __future__ import annotations

import asyncio
import functools
import logging
from typing import Any

import pytest

from pystatic_tasks.runner.asgi import is_asgi, log_late_errors

WHOLE = {"type": "http.response.body", "body": b"x"}
PART = {"type": "http.response.body", "body": b"x", "more_body": True}


async def coroutine(scope: Any, receive: Any, send: Any) -> None:
    """An application that is a function."""


class Framework:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """An application that is an object."""


class Wsgi:
    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        return []


@pytest.mark.parametrize(
    ("app", "asgi"), [(coroutine, True), (Framework(), True), (Wsgi(), False), (len, False), (lambda e, s: [], False)]
)
def test_an_asgi_application_is_recognised(app: object, asgi: bool) -> None:
    assert is_asgi(app) is asgi


async def discard(message: Any) -> None:
    """A server that listens to everything."""


async def fail_after(message: dict[str, Any], scope: Any, receive: Any, send: Any) -> None:
    await send(message)
    raise LookupError("no such plugin")


@pytest.mark.parametrize(("message", "logged"), [(WHOLE, True), (PART, False)])
def test_what_is_raised_after_a_whole_answer_is_logged(
    message: dict[str, Any], logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = log_late_errors(functools.partial(fail_after, message))
    with caplog.at_level(logging.ERROR), pytest.raises(LookupError):
        asyncio.run(app({"type": "http"}, discard, discard))  # type: ignore[arg-type]
    assert ("LookupError: no such plugin" in caplog.text) is logged
