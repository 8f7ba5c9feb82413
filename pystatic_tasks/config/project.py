"""Reads what a project declares about itself in pyproject.toml."""

from __future__ import annotations

import configparser
import functools
import re
import sys
from collections.abc import Mapping
from configparser import ConfigParser
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pystatic_tasks.config.rules import LONGEST_IMAGE_NAME
from pystatic_tasks.config.unwieldy import MOST_LEVELS, is_nested_deeper
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.system.files import read_source
from pystatic_tasks.system.texts import printable

PYPROJECT = "pyproject.toml"
TABLE = "pystatic-tasks"
LONGEST_MESSAGE = 300

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_pyproject(folder: Path) -> Mapping[str, Any]:
    """The tables of the folder's pyproject.toml.

    Raises:
        ConfigError: the file does not exist, or is not valid TOML.
    """
    path = folder / PYPROJECT
    try:
        tables = read_toml(path)
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(
            f"There is no pyproject.toml in {folder}.",
            'Run pystatic init, or create one with at least [tool.pystatic-tasks] and app = "package.module:callable".',
        ) from None
    for name in ("tool", "project", "dependency-groups"):
        if not isinstance(tables.get(name, {}), Mapping):
            raise ConfigError(f"{path}: {name} must be a table.", "Correct the file.")
    return tables


def read_toml(path: Path) -> Mapping[str, Any]:
    """The tables of a file, which nobody may change: whoever reads the same content gets the same tables.

    Raises:
        FileNotFoundError, NotADirectoryError: it does not exist.
        ConfigError: it cannot be read, or is not valid TOML.
    """
    try:
        return tables_of(read_source(path))
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", "Make it a readable file.") from None
    except ValueError as error:
        shown = printable(str(error), LONGEST_MESSAGE)
        raise ConfigError(f"{path} is not valid TOML: {shown}.", "Correct the file.") from None


@functools.lru_cache(maxsize=16)
def tables_of(content: bytes) -> Mapping[str, Any]:
    """The tables in a file's content, parsed once: a lock of hundreds of packages takes half a second.

    Raises:
        ValueError: it is not valid TOML in UTF-8, or has values that are too large or too deep.
    """
    return parse_toml(content.decode())


def tables_of_others(path: Path) -> Mapping[str, Any] | None:
    """The tables of a pyproject.toml without ours, as other tools that build and install the project use them.

    Returns:
        None if the file is not valid TOML.
    """
    try:
        tables = dict(read_toml(path))
    except ConfigError:
        return None
    tool = tables.get("tool")
    if isinstance(tool, Mapping):
        tables["tool"] = {name: table for name, table in tool.items() if name != TABLE}
    return {name: table for name, table in tables.items() if name != "tool" or table}


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a text.

    Raises:
        ValueError: it is not valid TOML, or has values that are too large or too deep.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise ValueError("it has a number with thousands of digits") from None
    except RecursionError:
        raise ValueError(f"it nests tables and lists more than {MOST_LEVELS} levels deep") from None
    if is_nested_deeper(tables):
        raise ValueError(f"it nests tables and lists more than {MOST_LEVELS} levels deep")
    return tables


def is_installable(folder: Path, pyproject: Mapping[str, Any]) -> bool:
    """Whether pip can install the folder."""
    return "project" in pyproject or "build-system" in pyproject or (folder / "setup.py").exists()


def is_path(requirement: str) -> bool:
    """Whether pip treats the requirement as a path."""
    return requirement.startswith((".", "/")) or ("/" in requirement and "://" not in requirement)


def project_name(folder: Path) -> str:
    """The project's name, from `[project]`, Poetry's own table or setup.cfg; or "".

    Raises:
        ConfigError: the pyproject.toml is not valid TOML.
    """
    pyproject = read_pyproject(folder) if (folder / PYPROJECT).is_file() else {}
    if "project" in pyproject:
        return str(pyproject["project"].get("name", ""))
    table = pyproject.get("tool", {}).get("poetry")
    name = table.get("name") if isinstance(table, Mapping) else None
    return name if isinstance(name, str) else name_in_settings(folder / "setup.cfg")


def name_in_settings(path: Path) -> str:
    """The name in a setup.cfg, or ""."""
    settings = ConfigParser(interpolation=None)
    try:
        settings.read_string(read_source(path).decode())
    except (OSError, ValueError, configparser.Error):
        return ""
    return settings.get("metadata", "name", fallback="")


def default_image_name(text: str) -> str:
    """Any name, turned into a valid image name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:LONGEST_IMAGE_NAME].strip("-") or "app"


def required_name(requirement: str) -> str:
    """The normalized name in a requirement; "" if it is invalid."""
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return ""


def license_expression(value: Any) -> str:
    """A project's licence: the text of PEP 639, or a short text in the older table; "" if there is none."""
    if isinstance(value, Mapping):
        text = str(value.get("text", ""))
        return text if len(text.split()) <= 5 else ""
    return str(value or "")


def people(project: Mapping[str, Any]) -> str:
    """The project's maintainers or authors from its table [project], in the form of `Component.supplier`."""
    tables = [each for each in project.get("maintainers") or project.get("authors") or () if isinstance(each, Mapping)]
    named = [(str(each.get("name", "")), str(each.get("email", ""))) for each in tables]
    if len(named) == 1 and all(named[0]):
        return "{} <{}>".format(*named[0])
    return ", ".join(name or address for name, address in named if name or address)
