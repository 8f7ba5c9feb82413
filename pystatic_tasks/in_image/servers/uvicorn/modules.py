"""What uvicorn imports by name, by its settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from uvicorn.config import HTTP_PROTOCOLS, LIFESPAN, WS_PROTOCOLS

HTTP2 = "uvicorn.protocols.http.auto_zttp_impl:AutoZttpProtocol"
LOOPS = "uvicorn.loops"


def references(settings: Mapping[str, Any]) -> dict[str, str]:
    """By setting, the `module:name` that it leads to, of those that lead to one."""
    http, ws = settings.get("http", "auto"), settings.get("ws", "auto")
    loop, lifespan = settings.get("loop", "auto"), settings.get("lifespan", "auto")
    found = {
        "http": HTTP2 if settings.get("http2") else HTTP_PROTOCOLS.get(http, http),
        "ws": WS_PROTOCOLS.get(ws, ws),
        "loop": loop if ":" in loop or loop == "none" else f"{LOOPS}.{loop}:",
        "lifespan": LIFESPAN[lifespan],
    }
    return {name: reference for name, reference in found.items() if reference and reference != "none"}


def module_of(reference: str) -> str:
    return reference.partition(":")[0]


def is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def log_modules(log_config: Any) -> Iterator[str]:
    """Modules of the classes that a table of logging names."""
    if not isinstance(log_config, Mapping):
        return
    for name, value in log_config.items():
        if name in ("()", "class") and isinstance(value, str):
            yield value.rpartition(".")[0]
        yield from log_modules(value)
