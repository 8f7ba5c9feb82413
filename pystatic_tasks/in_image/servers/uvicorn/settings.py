"""The settings of the server, from weak to strong:

defaults fit for containers < those of the project < PORT, WEB_CONCURRENCY < UVICORN_* < arguments.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import click
import uvicorn
from click.core import ParameterSource
from uvicorn.main import main as command_line

from ...errors import SettingsError
from ...ports import asked_port

# Graceful shutdown: Docker and Podman kill 10 seconds after TERM.
DEFAULTS: Mapping[str, Any] = {"host": "0.0.0.0", "port": 8000, "workers": 1, "timeout_graceful_shutdown": 8}
RELOADING = "the code in an image does not change"
APPLICATION = "the program has its own application"
FUNCTION = "it is a function, which a setting cannot hold"
WITHOUT_EFFECT = {
    **dict.fromkeys(("reload", "reload_dirs", "reload_includes", "reload_excludes", "reload_delay"), RELOADING),
    **dict.fromkeys(("app", "app_dir", "factory"), APPLICATION),
    **dict.fromkeys(("callback_notify", "ssl_context_factory"), FUNCTION),
    "timeout_worker_healthcheck": "workers are replaced when they end, and not asked before",
}
HOLD_SEVERAL = ("forwarded_allow_ips", "headers", "log_config")
Settings = dict[str, Any]


def configure(
    settings: Mapping[str, Any],
    environment: Mapping[str, str] = MappingProxyType({}),
    arguments: Sequence[str] = (),
) -> Settings:
    """The keyword arguments of uvicorn.Config.

    Args:
        settings: The project's settings, by the names that uvicorn.Config has for them.
        environment: Where PORT, WEB_CONCURRENCY and UVICORN_* are looked up.
        arguments: Command-line arguments in uvicorn's syntax, without the application.

    Raises:
        SettingsError: a setting is unknown, or a value is refused.
        SystemExit: an argument is unknown, or asks for help or the version.
    """
    chosen = {name: value for name, value in DEFAULTS.items() if name in known_names()}
    for name, value in settings.items():
        change(chosen, name, value, f"server.{name}")
    port = asked_port(environment)
    if port:
        chosen = {name: value for name, value in chosen.items() if name not in ("uds", "fd")}
        chosen["port"] = port
    if environment.get("WEB_CONCURRENCY"):
        change(chosen, "workers", environment["WEB_CONCURRENCY"], "WEB_CONCURRENCY")
    for name, option in options().items():
        variable = f"UVICORN_{name.upper()}"
        if environment.get(variable):
            text = environment[variable]
            change(chosen, name, option.type.split_envvar_value(text) if option.multiple else text, variable)
    for name, value in parse(arguments).items():
        change(chosen, name, value, f"The command line: {name}")
    if chosen.get("ssl_keyfile") and not chosen.get("ssl_certfile"):
        raise SettingsError("ssl_keyfile is set and ssl_certfile is not; uvicorn needs the certificate as well.")
    return chosen


def known_names() -> set[str]:
    return set(inspect.signature(uvicorn.Config).parameters)


def options() -> dict[str, click.Option]:
    """The options of uvicorn's command line, by the names that uvicorn.Config has for them."""
    return {str(each.name): each for each in command_line.params if isinstance(each, click.Option)}


def change(chosen: Settings, name: str, value: Any, where: str) -> None:
    if name in WITHOUT_EFFECT and is_off(name, value):
        return
    if name in WITHOUT_EFFECT:
        raise SettingsError(f"{where} has no effect here: {WITHOUT_EFFECT[name]}.")
    if name not in known_names():
        close = difflib.get_close_matches(name, known_names(), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        raise SettingsError(f"{where} is not a setting of uvicorn{hint}")
    try:
        chosen[name] = convert(name, value)
    except click.BadParameter as error:
        raise SettingsError(f"{where} = {value!r} is refused by uvicorn: {error.message}") from None
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{where} = {value!r} is refused: {error}") from None


def is_off(name: str, value: Any) -> bool:
    """Whether a switch is set to what it is anyway."""
    option = options().get(name)
    try:
        return option is not None and option.is_flag and option.type.convert(value, option, None) is False
    except click.BadParameter:
        return False


def convert(name: str, value: Any) -> Any:
    """The value as uvicorn's command line would take it.

    Files are not looked for: they may be in the image only.

    Raises:
        click.BadParameter: uvicorn refuses it.
        ValueError: it cannot work.
    """
    if name == "headers":
        return [header(each) for each in value]
    if isinstance(value, (list, tuple, Mapping)):
        if name not in HOLD_SEVERAL:
            raise ValueError("it must be one value.")
        return value
    option = options().get(name)
    if option is None or isinstance(option.type, click.Path):
        return value
    converted = option.type.convert(value, option, None)
    if name == "port" and not 0 < converted < 65536:
        raise ValueError("ports go from 1 to 65535.")
    if name == "workers" and converted < 1:
        raise ValueError("there must be one at least.")
    return converted


def header(value: Any) -> tuple[str, str]:
    """A header of `[name, value]` or of "name:value"."""
    pair = tuple(value.split(":", 1)) if isinstance(value, str) else tuple(value)
    if len(pair) != 2 or not all(isinstance(each, str) for each in pair):
        raise ValueError('each header must be ["name", "value"] or "name:value".')
    return pair


def parse(arguments: Sequence[str]) -> Settings:
    """The settings that arguments name, in uvicorn's own syntax."""
    own = [each for each in command_line.params if each.name != "app"]
    command = click.Command("uvicorn", params=[*own, click.Argument(["app"], nargs=-1)], help=command_line.help)
    try:
        context = command.make_context(sys.argv[0], [*arguments])
    except click.exceptions.Exit as ended:
        raise SystemExit(ended.exit_code) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    app = context.params.pop("app")
    if app:
        raise SettingsError(f"The command line names an application ({app[0]!r}); this program has its own.")
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name: context.params[name] for name, source in sources.items() if source is ParameterSource.COMMANDLINE}
