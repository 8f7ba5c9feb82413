"""uvicorn: ASGI, in one process or in several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...healthcheck import Address, Listener

if TYPE_CHECKING:
    from ..server import Examination


class Uvicorn:
    """The server; its configuration is the keyword arguments of uvicorn.Config."""

    requirement = "uvicorn"
    config_file = ""
    error_line = r"^(ERROR|CRITICAL): "
    warning_line = r"^WARNING: "
    no_port = "server.uds and server.fd leave no TCP port that could be asked"
    advice = (
        (
            r"Port \d+ of \S+ is in use",
            "The port in server.port is in use where the program runs. "
            "Stop the program that uses it, or change server.port.",
        ),
        (
            r"Port \d+ of \S+ is not allowed to this user",
            "Only root may listen there. Set a port above 1023 in server.port, and map it where the image is deployed.",
        ),
        (
            r"Child process \[\d+\] ended with code -9",
            "A worker was killed, most likely because it used too much memory. Raise smoke.memory.",
        ),
    )

    def listen_at(self, environment: Mapping[str, str], host: str, port: int) -> Mapping[str, str]:
        return {"UVICORN_HOST": host, "UVICORN_PORT": str(port)}

    def examine(
        self, app: Any, settings: Mapping[str, Any], own: Mapping[str, Any], environment: Mapping[str, str]
    ) -> Examination:
        from .examine import examine

        return examine(app, settings, environment)

    def configure(
        self,
        settings: Mapping[str, Any],
        own: Mapping[str, Any],
        environment: Mapping[str, str],
        arguments: Sequence[str],
    ) -> dict[str, Any]:
        from .settings import configure

        return configure(settings, environment, arguments)

    def listener(self, config: Mapping[str, Any]) -> Listener:
        return Listener(*place(config), tls=bool(config.get("ssl_certfile")))

    def serve(self, load: Callable[[], Any], config: Mapping[str, Any]) -> int:
        from .serve import serve

        return serve(load, config)


def place(config: Mapping[str, Any]) -> tuple[str, Address]:
    """Where it listens, for people and for those who connect."""
    if config.get("fd") is not None:
        return f"fd://{config['fd']}", config["fd"]
    if config.get("uds"):
        return f"unix:{config['uds']}", config["uds"]
    host, port = config["host"], config["port"]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}", (host, port)


SERVER = Uvicorn()
