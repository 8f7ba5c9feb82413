"""ASGI applications, recognised."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

# https://asgi.readthedocs.io/en/latest/specs/main.html#applications
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


def is_asgi(app: Any) -> bool:
    """Whether the application is a coroutine function, or an object that is called as one, as uvicorn sees it too."""
    if inspect.isclass(app):
        return hasattr(app, "__await__")
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(app.__call__)
