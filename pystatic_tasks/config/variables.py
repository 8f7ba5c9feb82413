"""Environment variables whose values are the caller's, so that they stand in no file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from pystatic_tasks.config.hiding import SHORTEST_LINE, SHORTEST_SECRET, hiding
from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.system.files import write_whole
from pystatic_tasks.system.redaction import user_infos

OF_CALLER = re.compile(r"\$([A-Za-z_]\w*)")


def resolved(variables: Mapping[str, str], key: str) -> dict[str, str]:
    """The variables, with the caller's value where it is "$NAME".

    Raises:
        ConfigError: the caller has no such variable.
    """
    found = {}
    for name, value in variables.items():
        match = OF_CALLER.fullmatch(value)
        if match and match[1] not in os.environ:
            raise ConfigError(
                f'tool.pystatic-tasks.{key}.{name} = "{value}", but the variable {match[1]} is not set.',
                f"Set it in your environment: export {match[1]}=…",
            )
        found[name] = os.environ[match[1]] if match else value
    return found


def caller_variables(config: ImageConfig) -> Iterator[tuple[str, str]]:
    """The caller's variables that the program gets when it is observed and run, with their values."""
    for value in (*config.smoke.env.values(), *config.observe.env.values()):
        match = OF_CALLER.fullmatch(value)
        if match:
            yield match[1], os.environ.get(match[1], "")


def caller_values(config: ImageConfig) -> list[str]:
    """Their values, and the passwords in those."""
    values = whole_values(config)
    return [*values, *(password for value in values for password in passwords_in(value))]


def whole_values(config: ImageConfig) -> list[str]:
    return [value for _, value in caller_variables(config)]


def passwords_in(value: str) -> Iterator[str]:
    """The passwords and tokens of URLs in a value, as they stand there and as a program reads them.

    What stands there twice is a name, such as that of the user, which would be hidden wherever it is said,
    and so would a short one.
    """
    for info in user_infos(value):
        if len(info.password) >= SHORTEST_LINE and value.count(info.password) == 1:
            yield from dict.fromkeys([info.password, unquote(info.password)])


def with_names(config: ImageConfig, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each path, and the same with the caller's values as "${NAME}"; without those that cannot be put back so."""
    values, hide = values_in_paths(config), hiding(whole_values(config))
    for path in paths:
        found = path
        for name, value in values:
            found = found.replace(value, f"${{{name}}}")
        if not values or (put_back(values, found) == path and hide(found) == found):
            yield path, found


def with_values(config: ImageConfig, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The path that `with_names` was told, and what that made of it, for each of these."""
    values = values_in_paths(config)
    return ((put_back(values, name), name) for name in names)


def put_back(values: Iterable[tuple[str, str]], path: str) -> str:
    for name, value in values:
        path = path.replace(f"${{{name}}}", value)
    return path


def values_in_paths(config: ImageConfig) -> list[tuple[str, str]]:
    """The caller's values that are hidden, as they stand in a path, by the names of their variables; longest first."""
    values = sorted(set(caller_variables(config)))
    found = [(name, os.path.normpath(value)) for name, value in values if len(value) >= SHORTEST_SECRET]
    return sorted(found, key=lambda pair: -len(pair[1]))


def hide_in_files(config: ImageConfig, files: Iterable[Path]) -> None:
    """Write files that programs wrote, as far as they are there, without the caller's values and credentials."""
    hide = hiding(caller_values(config))
    for path in filter(Path.is_file, files):
        write_whole(path, hide(path.read_text(encoding="utf-8", errors="replace")))
