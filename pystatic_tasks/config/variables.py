"""Environment variables whose values are the caller's, so that they stand in no file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError

OF_CALLER = re.compile(r"\$([A-Za-z_]\w*)")
HIDDEN = "***"
# A shorter value would hide parts of words that have nothing to do with it.
SHORTEST_SECRET = 4


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
                f'tool.pystatic-tasks.{key}.{name} = "{value}", and there is no variable {match[1]} here.',
                f"Set it where you call this: export {match[1]}=…",
            )
        found[name] = os.environ[match[1]] if match else value
    return found


def caller_variables(variables: Mapping[str, str]) -> Iterator[str]:
    """The values that are the caller's."""
    for value in variables.values():
        match = OF_CALLER.fullmatch(value)
        if match:
            yield os.environ.get(match[1], "")


def caller_values(config: ImageConfig) -> list[str]:
    """The caller's values that the program gets when it is observed and run."""
    return [*caller_variables(config.smoke.env), *caller_variables(config.observe.env)]


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, the longest first."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, HIDDEN)
    return text
