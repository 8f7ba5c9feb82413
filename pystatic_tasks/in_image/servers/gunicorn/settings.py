"""The settings of the server, from weak to strong:

defaults fit for containers < those of the project < PORT, WEB_CONCURRENCY < GUNICORN_CMD_ARGS < arguments.
"""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gunicorn.config import Config
from gunicorn.util import parse_address

from ...errors import SettingsError
from ...healthcheck import Address
from ...ports import asked_port

# Graceful timeout: Docker and Podman kill 10 seconds after TERM.
# Control socket: a scratch image has no folder for it.
# Preloading: what is imported before the workers are forked lies in memory once.
DEFAULTS: Mapping[str, Any] = {
    "bind": ["0.0.0.0:8000"],
    "workers": 2,
    "graceful_timeout": 8,
    "control_socket_disable": True,
    "preload_app": True,
}
HEARTBEAT_FOLDER = "/dev/shm"
WITHOUT_EFFECT = {
    "config": "the program reads no configuration file",
    "wsgi_app": "the program has its own application",
}


def configure(
    settings: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    arguments: Sequence[str] = (),
    own: Mapping[str, Any] = MappingProxyType({}),
) -> Config:
    """Build gunicorn's configuration.

    Args:
        settings: The project's settings, by gunicorn's names.
        environment: Where PORT, WEB_CONCURRENCY and GUNICORN_CMD_ARGS are looked up.
        arguments: Command-line arguments in gunicorn's syntax, without the application.
        own: Names of the project's own configuration file, which the settings go before.

    Raises:
        SettingsError: a setting is unknown, or a value is refused.
        SystemExit: an argument is unknown, or asks for help or the version.
    """
    config = Config()
    for name, value in DEFAULTS.items():
        if name in config.settings:
            config.set(name, value)
    if os.access(HEARTBEAT_FOLDER, os.W_OK):
        config.set("worker_tmp_dir", HEARTBEAT_FOLDER)
    for name, value in own.items():
        if name in config.settings and name not in WITHOUT_EFFECT:
            change(config, name, value, f"gunicorn's configuration file: {name}")
    for name, value in settings.items():
        change(config, name, value, f"server.{name}")
    apply_environment(config, environment)
    apply_arguments(config, split(environment.get("GUNICORN_CMD_ARGS", "")), "GUNICORN_CMD_ARGS")
    apply_arguments(config, arguments, "The command line")
    return config


def split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise SettingsError(f"GUNICORN_CMD_ARGS = {text!r} cannot be split into arguments: {error}.") from None


def change(config: Config, name: str, value: Any, where: str) -> None:
    if name in WITHOUT_EFFECT:
        raise SettingsError(f"{where} has no effect here: {WITHOUT_EFFECT[name]}.")
    if name not in config.settings:
        close = difflib.get_close_matches(name, config.settings, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        raise SettingsError(f"{where} is not a setting of gunicorn{hint}")
    try:
        config.set(name, value)
    except Exception as error:
        raise SettingsError(f"{where} = {value!r} is refused by gunicorn: {error}") from None
    if name == "bind":
        for bind in binds(config):
            check_bind(bind, where)


def apply_environment(config: Config, environment: Mapping[str, str]) -> None:
    port = asked_port(environment)
    if port:
        hosts = [address[0] for address in map(address_of, binds(config)) if isinstance(address, tuple)]
        host = hosts[0] if hosts else "0.0.0.0"
        config.set("bind", [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"])
    workers = environment.get("WEB_CONCURRENCY")
    if workers:
        change(config, "workers", workers, "WEB_CONCURRENCY")


def apply_arguments(config: Config, arguments: Sequence[str], where: str) -> None:
    for name, value in vars(config.parser().parse_args(arguments)).items():
        if name == "args":
            if value:
                raise SettingsError(f"{where} names an application ({value[0]!r}); this program has its own.")
        elif value is not None:
            change(config, name.lower(), value, f"{where}: {name}")


def binds(config: Config) -> list[str]:
    """Where the server listens, each as text."""
    bind = config.settings["bind"].get()
    return [bind] if isinstance(bind, str) else list(bind)


def address_of(bind: str) -> Address:
    """(host, port) of a TCP listener, the path of a Unix socket, or the number of a handed-over one.

    Raises:
        SettingsError: it is none of them.
    """
    try:
        address: Address = parse_address(bind)
    except RuntimeError as error:
        raise SettingsError(f"{bind!r} is not a valid address: {error}") from None
    if isinstance(address, tuple) and not 0 <= address[1] < 65536:
        raise SettingsError(f"{bind!r} is not a valid address: ports go from 1 to 65535.")
    return address


def check_bind(bind: str, where: str) -> None:
    try:
        address_of(bind)
    except SettingsError as error:
        raise SettingsError(f"{where} = {error}") from None


def exposed_ports(config: Config) -> list[int]:
    """The TCP ports that the server listens on, sorted."""
    return sorted({address[1] for address in map(address_of, binds(config)) if isinstance(address, tuple)})
