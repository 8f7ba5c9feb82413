"""Refuses addresses that a special character in a password cuts off: tools show parts of them that look like none.

pip and uv get addresses from their settings, from requirements files, and from what projects declare.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.config.project import PYPROJECT, read_pyproject
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.freeze.install.asked_for import group_requirements, named
from pystatic_tasks.steps.freeze.install.installers import NAMING_FILES, OF_UV, SEPARATORS, pip_settings
from pystatic_tasks.steps.freeze.install.named_folders import folders_to_build, needs_in, texts_in
from pystatic_tasks.steps.freeze.install.requirements import lines_of, read_requirements

# Variables of uv and of all that use a proxy, and pip's settings, with addresses.
VARIABLES = (*OF_UV[1:], *filter(str.isupper, NAMING_FILES))
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
SETTINGS = ("index-url", "extra-index-url", "find-links", "requirement", "proxy", *filter(str.islower, NAMING_FILES))
# Where setuptools finds requirements in a setup.cfg: options of one section, and all options of another.
OF_SETUPTOOLS = {"options": ("install_requires", "setup_requires"), "options.extras_require": ()}
# What is filled in later, such as ${HOST} or {env:HOST}.
FILLED_IN = re.compile(r"\$?\{[\w:.-]*\}")
ADDRESS = re.compile(r"[A-Za-z][\w.-]*://.*")
# Poetry takes such an address for git's other form, with a path after the colon.
LIKE_SCP = re.compile(r"ssh://[^\s:@/?#]+@[\w.-]+:[A-Za-z~]")
# urllib takes them for a part of a password, and others for its end.
NOT_IN_HOST = re.compile(r"[\s\\]")
REMEDY = "If its password has special characters, escape them: %2F for a slash, %20 for a space, %40 for an @."


def check_settings(environment: Mapping[str, str]) -> None:
    """Refuse such addresses in uv's variables and pip's settings.

    Raises:
        ConfigError: there is one.
    """
    for name in (*VARIABLES, *PROXIES, *map(str.lower, PROXIES)):
        value = environment.get(name, "")
        check([SEPARATORS.split(value) if name == "UV_FIND_LINKS" else value.split()], name)
    settings = pip_settings(environment)
    for name in SETTINGS:
        check([settings.get(name, "").split()], f"pip's setting {name}")


def check_requirements(config: ImageConfig) -> None:
    """Refuse such addresses in what the project and other local projects require, and in requirements files.

    Raises:
        ConfigError: there is one, or what is required is not valid otherwise.
    """
    check(map(words_in, config.install), "tool.pystatic-tasks.install")
    check(map(words_in, group_requirements(config) if config.groups else ()), "[dependency-groups]")
    required = (each for folder in folders_to_build(config) for each in required_by(folder))
    for file, lines in (*required, *map(lines_of_file, named(config).files)):
        check(map(words_in, lines), shown(config, file))


def required_by(folder: Path) -> Iterator[tuple[Path, Iterable[str]]]:
    """The files of a project that say what it requires, each with its requirements."""
    path = folder / PYPROJECT
    tables = read_pyproject(folder) if path.is_file() else {}
    yield path, needs_in(tables)
    yield folder / "setup.cfg", needs_in_setup_cfg(folder / "setup.cfg")
    yield from map(lines_of_file, filter(os.path.isfile, (folder / name for name in files_of_setuptools(tables))))


def files_of_setuptools(tables: Mapping[str, Any]) -> Iterator[str]:
    """The files that setuptools reads requirements from, by the project's pyproject.toml."""
    setuptools = tables.get("tool", {}).get("setuptools", {})
    dynamic = setuptools.get("dynamic") if isinstance(setuptools, Mapping) else None
    if isinstance(dynamic, Mapping):
        yield from texts_in([dynamic.get("dependencies"), dynamic.get("optional-dependencies")])


def lines_of_file(file: Path) -> tuple[Path, Iterable[str]]:
    return file, lines_of(read_requirements(file))


def needs_in_setup_cfg(file: Path) -> Iterator[str]:
    """The requirements in a setup.cfg; none if it is not valid, which setuptools will report."""
    parser = configparser.RawConfigParser()
    with contextlib.suppress(configparser.Error, UnicodeDecodeError):
        parser.read(file, encoding="utf-8")
        for section, names in OF_SETUPTOOLS.items():
            for name, value in parser[section].items() if parser.has_section(section) else ():
                yield from value.splitlines() if not names or name in names else ()


def words_in(line: str) -> list[str]:
    """The words of a line, with quotation marks removed, but not backslashes."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        return list(lexer)
    except ValueError:
        return line.split()


def check(lines: Iterable[Sequence[str]], where: str) -> None:
    if any(map(is_cut_off, lines)):
        raise ConfigError(f"An address in {where} has no valid host or port.", REMEDY)


def is_cut_off(words: Sequence[str]) -> bool:
    """Whether an address among the words is not valid, or goes on in a word after it."""
    addresses = [match[0] if match else "" for match in map(ADDRESS.search, words)]
    after = dropwhile(lambda pair: not pair[1], zip(words, addresses, strict=True))
    others = (word for word, address in after if not address)
    # Neither a marker nor an option belongs to an address.
    rest = takewhile(lambda word: not word.startswith((";", "-")), others)
    goes_on = any("@" in word and not os.path.lexists(word) for word in rest)
    return goes_on or not all(map(is_whole, filter(None, addresses)))


def is_whole(address: str) -> bool:
    """Whether host and port of an address are valid, and no password begins in the place of the port."""
    if LIKE_SCP.match(address):
        return True
    try:
        parts = urlsplit(FILLED_IN.sub("1", address))
        goes_on = parts.netloc.endswith(":") and "@" in address
        return parts.port != 0 and not goes_on and not NOT_IN_HOST.search(parts.netloc)
    except ValueError:
        return False
