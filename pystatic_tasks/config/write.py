"""Writes a repair into pyproject.toml, and keeps everything else in the file unchanged."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import TABLE, parse_toml
from pystatic_tasks.errors import ConfigError, Repair
from pystatic_tasks.system.files import read_source, replacement
from pystatic_tasks.system.git import checkout_of


def write_repair(config: ImageConfig, repair: Repair) -> str:
    """Write the repair into the image's table in `image.root/pyproject.toml`.

    Returns:
        The line that is there now, with its full path.

    Raises:
        ConfigError: the file cannot be read or written, or the line cannot be added.
    """
    # A link is kept: its target is replaced.
    path = (config.root / "pyproject.toml").resolve()
    if not path.is_relative_to(checkout_of(config.root)):
        raise cannot_write(config.root / "pyproject.toml", f"it is a link to {path}, outside the project", repair)
    try:
        before = read_source(path).decode()
        tables = parse_toml(before)
        place = (*table_of(config, tables), repair.table)
        line = f"{'.'.join((*place, repair.key))} = {repair.toml}"
        wanted = with_value(tables, (*place, repair.key), plain(repair.value))
        after = with_line(before, place, repair)
        if parse_toml(after) != wanted:
            raise ValueError("it cannot be added without changing something else")
        with replacement(path, after):
            pass
    except OSError as error:
        raise cannot_write(path, str(error.strerror), repair) from None
    except ValueError as error:
        raise cannot_write(path, str(error), repair) from None
    return line


def cannot_write(path: Path, reason: str, repair: Repair) -> ConfigError:
    return ConfigError(
        f"Cannot write {path} ({reason}); it is unchanged. It still lacks this line:",
        "Add the line yourself.",
        [f"{repair.name} = {repair.toml}"],
    )


def table_of(config: ImageConfig, tables: Mapping[str, Any]) -> tuple[str, ...]:
    """The path of the table that configures only this image, if there are several."""
    images = tables.get("tool", {}).get(TABLE, {}).get("images", {})
    if not images:
        return ("tool", TABLE)
    names = {each.get("name", key): key for key, each in images.items()}
    return ("tool", TABLE, "images", names.get(config.name) or next(iter(images)))


def with_value(tables: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """The tables with one value added; unchanged if a value on the way is not a table."""
    result: dict[str, Any] = copy.deepcopy(dict(tables))
    inner = result
    for name in path[:-1]:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            return result
    inner[path[-1]] = value
    return result


def with_line(text: str, place: tuple[str, ...], repair: Repair) -> str:
    """The text of the file with the repair added."""
    try:
        document = tomlkit.parse(text)
        table: Any = document
        for name in place[:-1]:
            table = table.setdefault(name, tomlkit.table())
        if repair.table in table:
            put_value(table[repair.table], repair)
        elif isinstance(table, InlineTable):
            table[repair.table] = tomlkit.inline_table().add(repair.key, plain(repair.value))
        else:
            table.append(tomlkit.key([repair.table, repair.key]), tomlkit.item(plain(repair.value)))
        after = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise ValueError(str(error)) from None
    return after.replace("\r\n", "\n").replace("\n", newline_of(text))


def newline_of(text: str) -> str:
    """The line ends to write: "\r\n" if the text has no others."""
    return "\r\n" if 0 < text.count("\r\n") == text.count("\n") else "\n"


def put_value(table: Any, repair: Repair) -> None:
    """Extend the existing list, keeping its comments, or set the value."""
    there, wanted = table.get(repair.key), repair.value
    if not isinstance(there, list) or isinstance(wanted, bool) or list(there) != list(wanted[: len(there)]):
        table[repair.key] = plain(wanted)
        return
    for each in wanted[len(there) :]:
        there.append(each)


def plain(value: tuple[str, ...] | bool) -> list[str] | bool:
    """The value as TOML readers return it."""
    return value if isinstance(value, bool) else list(value)
