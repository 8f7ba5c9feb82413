"""gunicorn: WSGI, and ASGI by its own worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...healthcheck import Listener

if TYPE_CHECKING:
    from gunicorn.config import Config

    from ..server import Examination


class Gunicorn:
    """The server."""

    requirement = "gunicorn"
    config_file = "gunicorn.conf.py"
    error_line = r"\[(ERROR|CRITICAL)\]"
    warning_line = r"\[WARNING\]"
    no_port = "server.bind names no TCP port that could be asked"
    advice = (
        (
            r"Port \d+ of \S+ is in use|Connection in use",
            "The port in server.bind is in use where the program runs. "
            "Stop the program that uses it, or change server.bind.",
        ),
        (
            r"Port \d+ of \S+ is not allowed to this user",
            "Only root may listen there. Set a port above 1023 in server.bind, and map it where the image is deployed.",
        ),
        (r"was sent SIGKILL", "A worker was killed, most likely because it used too much memory. Raise smoke.memory."),
    )

    def listen_at(self, environment: Mapping[str, str], host: str, port: int) -> Mapping[str, str]:
        arguments = f"{environment.get('GUNICORN_CMD_ARGS', '')} --bind {host}:{port}"
        return {"GUNICORN_CMD_ARGS": arguments.strip()}

    def examine(
        self, app: Any, settings: Mapping[str, Any], own: Mapping[str, Any], environment: Mapping[str, str]
    ) -> Examination:
        import_config()
        from .examine import examine

        return examine(app, settings, own, environment)

    def configure(
        self,
        settings: Mapping[str, Any],
        own: Mapping[str, Any],
        environment: Mapping[str, str],
        arguments: Sequence[str],
    ) -> Config:
        import_config()
        from .settings import configure

        return configure(settings, environment, arguments, own)

    def listener(self, config: Config) -> Listener:
        from .settings import address_of, binds

        bind = binds(config)[0]
        return Listener(bind, address_of(bind), config.is_ssl)

    def serve(self, load: Callable[[], Any], config: Config) -> int:
        from .serve import serve

        return serve(load, config)


def import_config() -> None:
    """Import gunicorn.config without WEB_CONCURRENCY: it is read there, and a wrong value ends in a traceback."""
    workers = os.environ.pop("WEB_CONCURRENCY", None)
    try:
        import gunicorn.config  # noqa: F401
    finally:
        if workers is not None:
            os.environ["WEB_CONCURRENCY"] = workers


SERVER = Gunicorn()
