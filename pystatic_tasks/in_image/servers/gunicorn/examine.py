"""What follows from gunicorn's settings for the freeze."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Mapping
from typing import Any

from gunicorn.config import Config

from ...asgi import is_asgi
from ...errors import SettingsError
from ..server import Examination
from .settings import configure, exposed_ports


def examine(
    app: Any, settings: Mapping[str, Any], own: Mapping[str, Any], environment: Mapping[str, str]
) -> Examination:
    frozen = dict(settings)
    if is_asgi(app) and "worker_class" not in own:
        frozen.setdefault("worker_class", "asgi")
    try:
        config = configure(frozen, environment, own=own)
        modules = {class_module(config, "logger_class"), class_module(config, "worker_class")}
        modules |= callback_modules(config)
    except SettingsError:
        raise
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "").rstrip(": ") or type(error).__name__
        raise SettingsError(f"gunicorn refuses its settings: {reason}.") from None
    return Examination(
        settings=frozen,
        hidden_imports=sorted(modules),
        ports=exposed_ports(config),
        unused_parts=unused_parts(config),
    )


def unused_parts(config: Config) -> list[str]:
    """What of gunicorn never starts, by its settings and what is installed."""
    get = {name: setting.get() for name, setting in config.settings.items()}.get
    parts = []
    if get("control_socket_disable", True) and not get("dirty_apps"):
        parts.append("side-servers")
    if importlib.util.find_spec("h2") is None:
        parts.append("http2")
    return parts


def class_module(config: Config, name: str) -> str:
    """The module of a class that a setting names."""
    found = getattr(config, name)
    if not inspect.isclass(found):
        raise SettingsError(f"server.{name} = {found!r} is not a class that can be imported.")
    return found.__module__


def callback_modules(config: Config) -> set[str]:
    """Modules of the project's own hooks, which gunicorn finds by name."""
    values = (setting.get() for setting in config.settings.values())
    modules = {getattr(value, "__module__", None) for value in values if inspect.isroutine(value)}
    return {module for module in modules if module and not module.startswith("gunicorn.")}
