"""What follows from uvicorn's settings for the freeze."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from uvicorn.config import HTTP_PROTOCOLS, WS_PROTOCOLS
from uvicorn.importer import ImportFromStringError, import_from_string

from ...asgi import is_asgi
from ...errors import SettingsError
from ..server import Examination
from .modules import LOOPS, is_there, log_modules, module_of, references
from .settings import configure

UNUSED_PARTS = ("other-implementations", "reloading")


def examine(app: Any, settings: Mapping[str, Any], environment: Mapping[str, str]) -> Examination:
    chosen = configure(settings, environment)
    if chosen.get("interface", "auto") == "auto" and not is_asgi(app):
        raise SettingsError(
            "uvicorn serves ASGI applications, but the target does not look like one; "
            'if it is one, set server.interface = "asgi3".'
        )
    automatic = {name: value for name, value in here().items() if chosen.get(name, "auto") == "auto"}
    found = references({**chosen, **automatic})
    for name, reference in found.items():
        check(name, chosen.get(name, "auto"), reference)
    modules = [*map(module_of, found.values()), *log_modules(chosen.get("log_config"))]
    return Examination(
        settings={**settings, **automatic},
        hidden_imports=sorted({module for module in modules if module}),
        ports=[] if "uds" in chosen or "fd" in chosen else [chosen["port"]],
        unused_parts=UNUSED_PARTS,
    )


def here() -> dict[str, str]:
    """What "auto" comes to with what is installed here: only that is frozen in."""
    http = implementation("uvicorn.protocols.http.auto", "AutoHTTPProtocol", HTTP_PROTOCOLS)
    ws = implementation("uvicorn.protocols.websockets.auto", "AutoWebSocketsProtocol", WS_PROTOCOLS)
    return {"http": http, "ws": ws, "loop": "uvloop" if is_there("uvloop") else "asyncio"}


def implementation(module: str, name: str, known: Mapping[str, str | None]) -> str:
    found = getattr(import_module(module), name)
    if found is None:
        return "none"
    return next(each for each, reference in known.items() if reference and module_of(reference) == found.__module__)


def check(name: str, value: Any, reference: str) -> None:
    try:
        import_from_string(reference) if not reference.startswith(LOOPS) else import_module(module_of(reference))
    except (ImportError, ImportFromStringError) as error:
        raise SettingsError(f"server.{name} = {value!r} is refused by uvicorn: {error}") from None
