"""ASGI applications, recognised."""

from __future__ import annotations

import inspect
from typing import Any


def is_asgi(app: Any) -> bool:
    """Whether the application is a coroutine function, or an object that is called as one, as uvicorn sees it too."""
    if inspect.isclass(app):
        return hasattr(app, "__await__")
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(app.__call__)
