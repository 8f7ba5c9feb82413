"""Environment variables that take the caller's values ("$NAME"), so that these are written to no file."""

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
    """The variables, with the caller's value for each "$NAME".

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
    """The values of the caller's variables, and the passwords in them."""
    values = whole_values(config)
    return [*values, *(password for value in values for password in passwords_in(value))]


def whole_values(config: ImageConfig) -> list[str]:
    return [value for _, value in caller_variables(config)]


def passwords_in(value: str) -> Iterator[str]:
    """The passwords and tokens of URLs in a value, as written and percent-decoded.

    A text that appears twice in the value may be a name, such as the user's, and would be hidden everywhere; so would a
    short one. Both are left out.
    """
    for info in user_infos(value):
        if len(info.password) >= SHORTEST_LINE and value.count(info.password) == 1:
            yield from dict.fromkeys([info.password, unquote(info.password)])


def with_names(config: ImageConfig, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each path, and the path with the caller's values replaced by "${NAME}"; without paths that cannot be restored."""
    values, hide = values_in_paths(config), hiding(whole_values(config))
    for path in paths:
        found = path
        for name, value in values:
            found = found.replace(value, f"${{{name}}}")
        if not values or (put_back(values, found) == path and hide(found) == found):
            yield path, found


def with_values(config: ImageConfig, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The reverse of `with_names`: each original path, with the name it was replaced by."""
    values = values_in_paths(config)
    return ((put_back(values, name), name) for name in names)


def put_back(values: Iterable[tuple[str, str]], path: str) -> str:
    for name, value in values:
        path = path.replace(f"${{{name}}}", value)
    return path


def values_in_paths(config: ImageConfig) -> list[tuple[str, str]]:
    """The caller's values that are hidden, in their form in paths, with the names of the variables; longest first."""
    values = sorted(set(caller_variables(config)))
    found = [(name, os.path.normpath(value)) for name, value in values if len(value) >= SHORTEST_SECRET]
    return sorted(found, key=lambda pair: -len(pair[1]))


def hide_in_files(config: ImageConfig, files: Iterable[Path]) -> None:
    """Remove the caller's values and credentials from files that programs wrote, if they exist."""
    hide = hiding(caller_values(config))
    for path in filter(Path.is_file, files):
        write_whole(path, hide(path.read_text(encoding="utf-8", errors="replace")))
