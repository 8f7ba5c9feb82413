"""Adds our table to a pyproject.toml, and keeps everything else unchanged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from pystatic_tasks.config.load import too_many
from pystatic_tasks.config.project import TABLE, parse_toml
from pystatic_tasks.config.sources import misspelt_tables, read_table
from pystatic_tasks.config.write import newline_of, with_value
from pystatic_tasks.errors import ConfigError

HEADER = re.compile(rf"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*[\"']?{TABLE}[\"']?[ \t]*\][^\n]*\n?", re.MULTILINE)
Keys = Sequence[tuple[str, Any]]


def with_keys(path: Path, text: str, keys: Keys) -> str:
    """The text of a pyproject.toml with keys added to our table.

    Args:
        path: The file, for messages.
        text: Its text; "" if it does not exist.
        keys: Keys with dots, and their values.

    Raises:
        ConfigError: the keys cannot be added, or the resulting table would be invalid.
    """
    wanted = parse_toml(text)
    for key, value in keys:
        wanted = with_value(wanted, ("tool", TABLE, *key.split(".")), value)
    raw = wanted.get("tool", {}).get(TABLE, {})
    common = {name: value for name, value in raw.items() if name != "images"} if isinstance(raw, Mapping) else raw
    problems = [*misspelt_tables(wanted), *read_table(f"tool.{TABLE}.", common).problems]
    if problems:
        raise too_many(problems, path.parent)
    if not keys:
        return text
    for after in ways(text, keys):
        if parsed(after) == wanted:
            return after
    raise ConfigError(
        f"Cannot add [tool.{TABLE}] to {path} without changing something else in it. These lines are missing:",
        "Add the lines yourself.",
        lines_of(keys),
    )


def parsed(text: str) -> Mapping[str, Any]:
    try:
        return parse_toml(text)
    except ValueError:
        return {}


def lines_of(keys: Keys) -> list[str]:
    return [f"{key} = {as_toml(value)}" for key, value in keys]


def as_toml(value: Any) -> str:
    """A value on one line, as people write it."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {as_toml(each)}' for key, each in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def ways(text: str, keys: Keys) -> Iterator[str]:
    """Texts with the keys added in different ways, the simplest first; some may be wrong for this file."""
    newline = newline_of(text)
    lines = "".join(line + newline for line in lines_of(keys))
    header = HEADER.search(text)
    if header and header[0].endswith("\n"):
        yield text[: header.end()] + lines + text[header.end() :]
    body = text.rstrip("\r\n") + newline + newline if text.strip() else text
    yield f"{body}[tool.{TABLE}]{newline}{lines}"
    yield by_tomlkit(text, keys)


def by_tomlkit(text: str, keys: Keys) -> str:
    """For tables that are written in other ways, such as `tool.pystatic-tasks.name = "shop"`."""
    try:
        document = tomlkit.parse(text)
        table: Any = document
        for name in ("tool", TABLE):
            table = table.setdefault(name, tomlkit.table())
        for key, value in keys:
            inner = table
            *names, last = key.split(".")
            for name in names:
                inner = inner.setdefault(name, tomlkit.inline_table())
            inner[last] = value
        after = tomlkit.dumps(document)
    except (TOMLKitError, TypeError, AttributeError):
        return ""
    return after.replace("\r\n", "\n").replace("\n", newline_of(text))
