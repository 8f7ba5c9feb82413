"""Refuses addresses that a special character in a password cuts off: tools show parts of them that look like none.

pip and uv get addresses from their settings, from requirements files, and from what projects declare.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import dropwhile
from urllib.parse import urlsplit

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.config.project import PYPROJECT, read_pyproject
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.freeze.install.asked_for import group_requirements, named
from pystatic_tasks.steps.freeze.install.installers import NAMING_FILES, OF_UV, SEPARATORS, pip_settings
from pystatic_tasks.steps.freeze.install.named_folders import folders_to_build, needs_in
from pystatic_tasks.steps.freeze.install.requirements import lines_of, read_requirements, words_of

# uv's variables and pip's settings with addresses.
SETTINGS = (*OF_UV[1:], *NAMING_FILES, "index-url", "extra-index-url", "find-links", "requirement", "proxy")
# What is filled in later, such as ${HOST} or {env:HOST}.
FILLED_IN = re.compile(r"\$?\{[\w:.]*\}")
ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://.*")
REMEDY = "If its password has special characters, escape them: %2F for a slash, %20 for a space, %40 for an @."


def check_settings(environment: Mapping[str, str]) -> None:
    """Refuse such addresses in uv's variables and pip's settings.

    Raises:
        ConfigError: there is one.
    """
    settings = {**environment, **pip_settings(environment)}
    for name in SETTINGS:
        value = settings.get(name, "")
        words = SEPARATORS.split(value) if name == "UV_FIND_LINKS" else value.split()
        check([words], name if name.isupper() else f"pip's setting {name}")


def check_requirements(config: ImageConfig) -> None:
    """Refuse such addresses in what the project and other local projects require, and in requirements files.

    Raises:
        ConfigError: there is one, or what is required is not valid otherwise.
    """
    check(map(words_of, config.install), "tool.pystatic-tasks.install")
    check(map(words_of, group_requirements(config) if config.groups else ()), "[dependency-groups]")
    for path in (folder / PYPROJECT for folder in folders_to_build(config)):
        if path.is_file():
            check(map(words_of, needs_in(read_pyproject(path.parent))), shown(config, path))
    for file in named(config).files:
        check(map(words_of, lines_of(read_requirements(file))), shown(config, file))


def check(lines: Iterable[Sequence[str]], where: str) -> None:
    if any(map(is_cut_off, lines)):
        raise ConfigError(f"An address in {where} has no valid host or port.", REMEDY)


def is_cut_off(words: Sequence[str]) -> bool:
    """Whether an address among the words is not valid, or goes on in a word after it."""
    addresses = [match[0] if match else "" for match in map(ADDRESS.search, words)]
    after = dropwhile(lambda pair: not pair[1], zip(words, addresses, strict=True))
    others = (word for word, address in after if not address)
    goes_on = any("@" in word and not os.path.lexists(word) for word in others)
    return goes_on or not all(map(is_whole, filter(None, addresses)))


def is_whole(address: str) -> bool:
    """Whether host and port of an address are valid, and no password begins in the place of the port."""
    try:
        parts = urlsplit(FILLED_IN.sub("1", address))
        goes_on = parts.netloc.endswith(":") and "@" in address
        return parts.port != 0 and not goes_on and parts.netloc == "".join(parts.netloc.split())
    except ValueError:
        return False
