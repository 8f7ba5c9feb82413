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
from itertools import chain, dropwhile, takewhile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.config.project import PYPROJECT, read_pyproject
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.freeze.install.asked_for import group_requirements, named
from pystatic_tasks.steps.freeze.install.installers import SEPARATORS, all_tables_of_uv, pip_settings
from pystatic_tasks.steps.freeze.install.named_folders import folders_to_build, needs_in, texts_in
from pystatic_tasks.steps.freeze.install.requirements import lines_of, read_requirements

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
# Where setuptools finds requirements in a setup.cfg: options of one section, and all options of another.
OF_SETUPTOOLS = {"options": ("install_requires", "setup_requires"), "options.extras_require": ()}
# What is filled in later, such as ${HOST} or {env:HOST}.
FILLED_IN = re.compile(r"\$?\{[\w:.-]*\}")
ADDRESS = re.compile(r"[A-Za-z][\w.-]*://.*")
# What precedes the address in a requirement: a name, and perhaps extras.
NAMED = r"[\w.-]+\s*(?:\[[^\]]*\])?\s*@\s*"
# Among other texts: one that begins with an address or, as a requirement, with a name and an address.
BEGINS_WITH_ADDRESS = re.compile(rf"\s*(?:{NAMED})?[A-Za-z][\w.+-]*://")
# pip takes what follows a semicolon for a marker, even in a password.
CUT_BY_MARKER = re.compile(rf"\s*{NAMED}[\w.+-]+://[^/?#;]*;\S*@")
# Poetry takes such an address for git's other form, with a path after the colon.
LIKE_SCP = re.compile(r"ssh://[^\s:@/?#]+@[\w.-]+:[A-Za-z~]")
# urllib takes them for a part of a password, and others for its end.
NOT_IN_HOST = re.compile(r"[\s\\]")
REMEDY = "If its password has special characters, escape them: %2F for a slash, %20 for a space, %40 for an @."


def check_settings(environment: Mapping[str, str]) -> None:
    """Refuse such addresses in the settings of pip and uv, and in the variables that name proxies.

    Raises:
        ConfigError: there is one.
    """
    for name in (*sorted(each for each in environment if each.startswith("UV_")), *PROXIES, *map(str.lower, PROXIES)):
        value = environment.get(name, "")
        check([SEPARATORS.split(value) if name == "UV_FIND_LINKS" else value.split()], name)
    for name, value in pip_settings(environment).items():
        check([value.split()], f"pip's setting {name}")
    check(map(words_in, addresses_among(all_tables_of_uv(environment, Path.cwd()))), "the settings of uv")


def check_requirements(config: ImageConfig) -> None:
    """Refuse such addresses in what the project and other local projects require, and in requirements files.

    Raises:
        ConfigError: there is one, or what is required is not valid otherwise.
    """
    check(map(words_in, config.install), "tool.pystatic-tasks.install")
    check(map(words_in, group_requirements(config) if config.groups else ()), "[dependency-groups]")
    required = (each for folder in folders_to_build(config) for each in required_by(folder))
    for file, lines in (*required, *map(lines_of_file, named(config).files)):
        found = list(lines)
        check(map(words_in, found), shown(config, file))
        if any(map(CUT_BY_MARKER.match, found)):
            raise cut_off(shown(config, file))


def required_by(folder: Path) -> Iterator[tuple[Path, Iterable[str]]]:
    """The files of a project that say what it requires, each with its requirements."""
    path = folder / PYPROJECT
    tables = read_pyproject(folder) if path.is_file() else {}
    yield path, chain(needs_in(tables), addresses_among(tables))
    needs = list(needs_in_setup_cfg(folder / "setup.cfg"))
    yield folder / "setup.cfg", needs
    files = (folder / name for name in (*files_of_setuptools(tables), *files_named_in(needs)))
    yield from map(lines_of_file, filter(os.path.isfile, files))


def addresses_among(tables: Any) -> Iterator[str]:
    """The texts in tables that begin with an address, whichever tool reads them."""
    return filter(BEGINS_WITH_ADDRESS.match, texts_in(tables))


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


def files_named_in(needs: Iterable[str]) -> Iterator[str]:
    """The files that a setup.cfg names in the place of requirements."""
    named_in = (need.partition("file:")[2] for need in needs if need.strip().startswith("file:"))
    return (name.strip() for names in named_in for name in names.split(","))


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
        raise cut_off(where)


def cut_off(where: str) -> ConfigError:
    return ConfigError(f"An address in {where} has no valid host or port.", REMEDY)


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
