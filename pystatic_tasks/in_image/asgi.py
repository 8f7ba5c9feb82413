"""ASGI applications, recognised."""

from __future__ import annotations

import inspect
from typing import Any


def is_asgi(app: Any) -> bool:
    """Whether the application is a coroutine function, or an object that is called as one."""
    if inspect.iscoroutinefunction(app):
        return True
    return not inspect.isroutine(app) and inspect.iscoroutinefunction(type(app).__call__)
