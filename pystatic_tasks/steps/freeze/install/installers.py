"""Finds uv, and passes pip's settings on to it, which it does not read itself."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pystatic_tasks.config.project import PYPROJECT, read_toml
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.freeze.install.requirements import paths_of

# pip's settings, each with uv's variable and the separator of the values in it.
VARIABLES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "constraint": ("UV_CONSTRAINT", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
}
# With several indexes, pip takes the newest version of all, but uv by default only considers the first index.
LIKE_PIP = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
# Settings of pip that do not affect what is installed.
WITHOUT_EFFECT = {
    *("break-system-packages", "cache-dir", "compile", "config-file", "debug", "default-timeout"),
    *("disable-pip-version-check", "log", "no-cache-dir", "no-color", "no-compile", "no-input"),
    *("no-python-version-warning", "no-warn-script-location", "progress-bar", "quiet", "require-virtualenv"),
    *("respect-virtualenv", "retries", "root-user-action", "timeout", "verbose"),
}
# How to build projects, and with what: settings of pip, and the beginnings of keys and variables of uv.
OF_BUILDS = {
    *("build-constraint", "config-setting", "config-settings", "constraint", "global-option", "no-build-isolation"),
}
BUILDS_OF_UV = (
    *("build-constraint", "config-settings", "constraint", "extra-build", "no-build-isolation", "override", "sources"),
)
# uv's own settings for where packages are: variables, and keys of uv.toml or of [tool.uv] in a pyproject.toml.
OF_UV = ("UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL")
LOOKING_OF_UV = ("extra-index-url", "find-links", "index", "index-url")
KEYS_OF_UV = (*LOOKING_OF_UV, "no-index", "pip")
# Settings of pip, and variables of uv, that name files with versions, or folders and pages with packages.
# An index on this machine may be a whole mirror, and is not searched.
NAMING_FILES = ("constraint", "build-constraint", "UV_CONSTRAINT", "UV_BUILD_CONSTRAINT", "UV_OVERRIDE")
NAMING_PLACES = ("find-links", "UV_FIND_LINKS")
SEPARATORS = re.compile(r"[\s,]+")
# Installers print UTF-8 and long lines: credentials are hidden line by line.
PRINTING = {"COLUMNS": "9999", "PYTHONIOENCODING": "utf-8"}


def uv_there() -> str | None:
    """The uv beside the running Python, or the one on the PATH, as Nox finds it; None if there is none."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(os.environ.get("UV") or "uv", path=os.pathsep.join([beside, *os.get_exec_path()]))


def variables_for_uv(environment: Mapping[str, str], folder: Path) -> dict[str, str] | None:
    """The environment variables with which uv installs what pip would.

    Args:
        environment: The variables of the caller.
        folder: The folder that uv is run in.

    Returns:
        None if pip has settings that uv does not have; empty if uv itself is configured.
    """
    if is_set_up(environment, folder):
        return {}
    settings = {name: value for name, value in pip_settings(environment).items() if name not in WITHOUT_EFFECT}
    if not settings.keys() <= VARIABLES.keys():
        return None
    found = {}
    for name, value in settings.items():
        variable, separator = VARIABLES[name]
        found[variable] = environment.get(variable) or separator.join(value.split())
    return {**found, **(LIKE_PIP if "UV_INDEX" in found else {})}


def is_set_up(environment: Mapping[str, str], folder: Path) -> bool:
    """Whether the user has configured for uv where packages are."""
    if any(environment.get(name) for name in OF_UV):
        return True
    return any(key in table for table in all_tables_of_uv(environment, folder) for key in KEYS_OF_UV)


def builds_as_usual(environment: Mapping[str, str], folder: Path) -> bool:
    """Whether neither pip nor uv has settings for builds, except those of the project itself."""
    variables = [name.removeprefix("UV_").replace("_", "-").lower() for name in environment if name.startswith("UV_")]
    tables = all_tables_of_uv(environment, folder)
    keys = [key for table in tables for part in (table, table.get("pip")) if isinstance(part, Mapping) for key in part]
    is_of_uv = any(name.startswith(BUILDS_OF_UV) for name in (*variables, *keys))
    return not is_of_uv and OF_BUILDS.isdisjoint(pip_settings(environment))


def all_tables_of_uv(environment: Mapping[str, str], folder: Path) -> list[Mapping[str, Any]]:
    tables = map(toml_of, files_of_uv(environment))
    return [*tables, *(table for each in (folder, *folder.parents) for table in tables_of_uv(each))]


def files_of_uv(environment: Mapping[str, str]) -> list[Path]:
    """uv's own files of settings, wherever it is run."""
    told = environment.get("UV_CONFIG_FILE")
    return [config_home(environment) / "uv" / "uv.toml", Path("/etc/uv/uv.toml"), *([Path(told)] if told else [])]


def tables_of_uv(folder: Path) -> Iterator[Mapping[str, Any]]:
    """uv's tables of settings in a folder."""
    yield toml_of(folder / "uv.toml")
    tool = toml_of(folder / PYPROJECT).get("tool")
    own = tool.get("uv") if isinstance(tool, Mapping) else None
    if isinstance(own, Mapping):
        yield own


def places_of_uv(folder: Path) -> Iterator[Path]:
    """The places on this machine where uv looks for packages, by its settings in a folder."""
    return places_in(tables_of_uv(folder), folder)


def places_in(tables: Iterable[Mapping[str, Any]], folder: Path) -> Iterator[Path]:
    """The same by tables of its settings that lie in a folder."""
    for table in tables:
        parts = [part for part in (table, table.get("pip")) if isinstance(part, Mapping)]
        values = (part.get(key) for part in parts for key in LOOKING_OF_UV)
        yield from (path for value in values for text in addresses_in(value) for path in paths_of(text, [folder]))


def told_files(environment: Mapping[str, str]) -> list[Path]:
    """The files on this machine with versions for pip or uv, by the caller's settings and variables."""
    return list(paths_told(environment, NAMING_FILES))


def told_places(environment: Mapping[str, str]) -> list[Path]:
    """The places on this machine where pip or uv looks for packages, by the same, without indexes."""
    of_files = (places_in([toml_of(file)], file.parent) for file in files_of_uv(environment))
    return [*paths_told(environment, NAMING_PLACES), *(path for each in of_files for path in each if path.exists())]


def paths_told(environment: Mapping[str, str], names: Iterable[str]) -> Iterator[Path]:
    settings = {**environment, **pip_settings(environment)}
    words = (word for name in names for word in SEPARATORS.split(settings.get(name, "")))
    paths = (path for word in words for path in paths_of(word, [Path.cwd()]))
    return filter(Path.exists, paths)


def addresses_in(value: Any) -> Iterator[str]:
    """The addresses in a setting: one, several, or tables with one each."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from addresses_in(value.get("url"))
    elif isinstance(value, list):
        yield from (text for each in value for text in addresses_in(each))


def toml_of(path: Path) -> Mapping[str, Any]:
    """The tables of a file; empty if it does not exist, or is invalid, which uv will report."""
    try:
        return read_toml(path)
    except (ConfigError, FileNotFoundError, NotADirectoryError):
        return {}


def pip_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings of `pip install` by name, from its files and from variables, which take precedence."""
    found: dict[str, str] = {}
    for file in pip_files(environment, home_of(environment)):
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            # pip reports what is wrong with it.
            continue
        for section in ("global", "install"):
            found.update(parser[section] if parser.has_section(section) else {})
    prefix = "PIP_"
    variables = {name[len(prefix) :]: value for name, value in environment.items() if name.startswith(prefix)}
    given = {**found, **{name.lower(): value for name, value in variables.items() if value}}
    return {name.replace("_", "-"): value for name, value in given.items()}


def pip_files(environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    """Where pip looks for its settings, on any system, as `pip config debug` lists them; later files take precedence.

    Args:
        environment: The variables of the caller.
        home: The caller's home folder.
    """
    own = environment.get("PIP_CONFIG_FILE")
    if own == os.devnull:
        return
    folders = environment.get("XDG_CONFIG_DIRS", "") or "/etc/xdg"
    yield from (Path(folder, "pip", "pip.conf") for folder in folders.split(os.pathsep))
    yield Path("/etc/pip.conf")
    yield Path("/Library/Application Support/pip/pip.conf")
    yield from of_windows(environment, "PROGRAMDATA")
    yield home / ".pip" / "pip.conf"
    yield home / "pip" / "pip.ini"
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config", "pip", "pip.conf")
    yield home / "Library/Application Support/pip/pip.conf"
    yield from of_windows(environment, "APPDATA")
    if own:
        yield Path(own)


def of_windows(environment: Mapping[str, str], name: str) -> Iterator[Path]:
    folder = environment.get(name)
    if folder:
        yield Path(folder, "pip", "pip.ini")


def config_home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("XDG_CONFIG_HOME") or home_of(environment) / ".config")


def home_of(environment: Mapping[str, str]) -> Path:
    """The caller's home folder, where pip and uv look for settings; the system knows it without a variable."""
    return Path(environment.get("HOME") or Path.home())
