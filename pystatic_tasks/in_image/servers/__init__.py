"""The servers: one module or package for each, called as `server.kind` names it, with its `SERVER`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .server import Server


def find_server(kind: str) -> Server[Any]:
    """The server of that name; its own package need not be installed."""
    server: Server[Any] = import_module(f"{__name__}.{kind}").SERVER
    return server
