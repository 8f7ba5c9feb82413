"""An ASGI application served by a uvicorn that lives in the same program."""

from __future__ import annotations

import gc
import socket
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn

from ...errors import SettingsError
from ...ports import refuse_port_in_use
from .modules import is_there, module_of, references
from .workers import STARTUP_FAILURE, Workers, end_by_signals

SHUTDOWN_FAILURE = 1


def serve(load: Callable[[], Any], settings: Mapping[str, Any]) -> int:
    """Serve what `load` returns, in this process or in as many workers as `workers` says.

    Returns:
        The exit code: 0 after an orderly stop, 3 if the application does not load or its lifespan does not start
        (uvicorn's code), 1 if its lifespan fails while it stops.

    Raises:
        SettingsError: a port is in use, or an implementation was left out that is wanted.
    """
    refuse_what_was_left_out(settings)
    if not {"uds", "fd"} & set(settings):
        refuse_port_in_use(settings["host"], settings["port"])
    # uvicorn raises the signal that ended it again, for the handler that was there before.
    end_by_signals()
    try:
        app = load()
    except Exception:
        traceback.print_exc()
        return STARTUP_FAILURE
    config = make_config(app, settings)
    # What no collection looks at any more stays in pages that the workers share.
    gc.freeze()
    code = serve_here(config) if config.workers == 1 else serve_in_workers(config)
    if config.uds:
        Path(config.uds).unlink(missing_ok=True)
    return code


def make_config(app: Any, settings: Mapping[str, Any]) -> uvicorn.Config:
    """uvicorn's configuration, with all that it names read and imported."""
    try:
        config = uvicorn.Config(app, **settings)
        config.load()
    except Exception as error:
        raise SettingsError(f"uvicorn refuses its settings: {str(error) or type(error).__name__}") from None
    return config


class Server(uvicorn.Server):
    """uvicorn's, which tells when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def serve_in_workers(config: uvicorn.Config) -> int:
    with config.bind_socket() as listener:
        return Workers(config.workers, lambda ready: serve_here(config, [listener], ready)).run()


def serve_here(
    config: uvicorn.Config, listeners: list[socket.socket] | None = None, ready: Callable[[], None] = lambda: None
) -> int:
    """Serve in this process until TERM or INT, and call `ready` once requests are taken; the exit code."""
    server = Server(config, ready)
    try:
        server.run(listeners)
    except SystemExit as ended:
        if ended.code:
            return STARTUP_FAILURE
    lifespan = getattr(server, "lifespan", None)
    if lifespan is None or not lifespan.should_exit:
        return 0
    return SHUTDOWN_FAILURE if server.started else STARTUP_FAILURE


def refuse_what_was_left_out(settings: Mapping[str, Any]) -> None:
    """Programs are frozen with the implementations only that their settings lead to."""
    for name, reference in references(settings).items():
        if not is_there(module_of(reference)):
            value = settings.get(name, "auto")
            raise SettingsError(
                f"{name} = {value!r} cannot be chosen here: name it in the settings that the program is built with."
            )
