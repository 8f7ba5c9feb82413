from __future__ import annotations

import asyncio
import functools
import logging
from typing import Any

import pytest

from pystatic_tasks.in_image.servers.gunicorn.late_errors import log_late_errors

WHOLE = {"type": "http.response.body", "body": b"x"}
PART = {"type": "http.response.body", "body": b"x", "more_body": True}


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
