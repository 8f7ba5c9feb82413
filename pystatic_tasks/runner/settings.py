"""The settings of the server, from weak to strong:

defaults fit for containers < those of the project < PORT, WEB_CONCURRENCY < GUNICORN_CMD_ARGS < arguments.
"""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from gunicorn.config import Config

# Graceful timeout: Docker and Podman kill 10 seconds after TERM.
# Control socket: a scratch image has no folder for it.
DEFAULTS: Mapping[str, Any] = {
    "bind": ["0.0.0.0:8000"],
    "workers": 2,
    "graceful_timeout": 8,
    "control_socket_disable": True,
}
HEARTBEAT_FOLDER = "/dev/shm"


class SettingsError(Exception):
    """A setting is unknown or has a value that gunicorn refuses; the text is one whole sentence."""


def configure(
    settings: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    arguments: Sequence[str] = (),
    prog: str | None = None,
) -> Config:
    """Build gunicorn's configuration.

    Args:
        settings: The project's settings, by gunicorn's names.
        environment: Where PORT, WEB_CONCURRENCY and GUNICORN_CMD_ARGS are looked up.
        arguments: Command-line arguments in gunicorn's syntax, without the application.
        prog: Name of the program in usage messages.

    Raises:
        SettingsError: a setting is unknown, or a value is refused.
        SystemExit: an argument is unknown, or asks for help or the version.
    """
    config = Config(prog=prog)
    for name, value in DEFAULTS.items():
        if name in config.settings:
            config.set(name, value)
    if os.access(HEARTBEAT_FOLDER, os.W_OK):
        config.set("worker_tmp_dir", HEARTBEAT_FOLDER)
    for name, value in settings.items():
        change(config, name, value, f"server.{name}")
    apply_environment(config, environment)
    apply_arguments(config, shlex.split(environment.get("GUNICORN_CMD_ARGS", "")), "GUNICORN_CMD_ARGS")
    apply_arguments(config, arguments, "The command line")
    return config


def change(config: Config, name: str, value: Any, where: str) -> None:
    if name not in config.settings:
        close = difflib.get_close_matches(name, config.settings, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        raise SettingsError(f"{where} is not a setting of gunicorn{hint}")
    try:
        config.set(name, value)
    except Exception as error:
        raise SettingsError(f"{where} = {value!r} is refused by gunicorn: {error}") from None


def apply_environment(config: Config, environment: Mapping[str, str]) -> None:
    port = environment.get("PORT")
    if port:
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise SettingsError(f"PORT = {port!r} is not a port; ports go from 1 to 65535.")
        host = next((bind.rpartition(":")[0] for bind in binds(config) if is_tcp(bind)), "0.0.0.0")
        config.set("bind", [f"{host}:{port}"])
    workers = environment.get("WEB_CONCURRENCY")
    if workers:
        change(config, "workers", workers, "WEB_CONCURRENCY")


def apply_arguments(config: Config, arguments: Sequence[str], where: str) -> None:
    for name, value in vars(config.parser().parse_args(arguments)).items():
        if name == "args":
            if value:
                raise SettingsError(f"{where} names an application ({value[0]!r}); this program has its own.")
        elif name == "config" and value:
            raise SettingsError(f"{where} names a configuration file; this program reads none.")
        elif value is not None:
            change(config, name.lower(), value, where)


def binds(config: Config) -> list[str]:
    bind = config.settings["bind"].get()
    return [bind] if isinstance(bind, str) else list(bind)


def is_tcp(bind: str) -> bool:
    return not bind.startswith(("unix:", "fd:"))


def exposed_ports(config: Config) -> list[int]:
    """The TCP ports that the server listens on, sorted."""
    ports = (bind.rpartition(":")[2] for bind in binds(config) if is_tcp(bind))
    return sorted({int(port) for port in ports if port.isdecimal()})
