"""Errors that servers and frameworks keep to themselves, told on standard error while a program is tried out."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any

from .asgi import Message, Receive, Send, is_asgi

# The variable that says so.
TRIAL = "PYSTATIC_TRIAL"


def heard(load: Callable[[], Any]) -> Callable[[], Any]:
    """What loads an application, so that its errors are heard."""

    def load_heard() -> Any:
        app = load()
        hear_django()
        return tell_lifespan_errors(app) if is_asgi(app) else app

    return load_heard


def hear_django() -> None:
    """Without DEBUG, Django answers 500 and sends the error to its administrators by mail, if there are any."""
    signals = sys.modules.get("django.core.signals")
    if signals is not None:
        signals.got_request_exception.connect(tell, weak=False)


def tell(**_: Any) -> None:
    traceback.print_exc()


def tell_lifespan_errors(app: Any) -> Any:
    """Servers take an exception for an application without lifespan, even after it has taken part in that."""

    async def told(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        takes_part = False

        async def watched() -> Message:
            nonlocal takes_part
            message = await receive()
            takes_part = True
            return message

        try:
            await app(scope, watched, send)
        except Exception:
            if takes_part:
                traceback.print_exc()
            raise

    return told
