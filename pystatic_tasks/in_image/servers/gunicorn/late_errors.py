"""ASGI applications, heard when they fail after their answer.

Frameworks answer 500 and raise again. gunicorn's ASGI worker takes an exception after a whole
answer for a client that went away, and logs nothing; a container would then fail in silence.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

from ...asgi import Application, Message, Receive, Send


def log_late_errors(app: Application) -> Application:
    """The application, with exceptions after a whole answer logged at level ERROR."""

    async def logged(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        answered = False

        async def watched(message: Message) -> None:
            nonlocal answered
            await send(message)
            answered = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await app(scope, receive, watched)
        except Exception:
            if answered:
                logging.getLogger("gunicorn.error").exception("Error in the ASGI application")
            raise

    return logged
