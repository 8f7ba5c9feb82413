"""The words after `--`: one small grammar for all steps."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pystatic_tasks.errors import ConfigError

KNOWN = "--tag TAG, --layout LAYOUT, --engine ENGINE, --platform PLATFORM, --no-cache, --fix, --verbose, --json"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What stood after `--`.

    Attributes:
        config: The part that overrides configuration, as a raw table.
        platform: The platform asked for, or None.
        use_cache: Whether a step may be skipped when nothing changed.
        fix: Whether what smoke finds out is written into pyproject.toml, and all is done again.
        verbose: Whether the tools' own output is shown.
        json: Whether the step's manifest is printed on standard output, and nothing else there.
    """

    config: dict[str, Any] = field(default_factory=dict)
    platform: str | None = None
    use_cache: bool = True
    fix: bool = False
    verbose: bool = False
    json: bool = False


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"After --: {message}.", f"Known are {KNOWN}.")


def parse_options(words: Sequence[str]) -> Options:
    """Read the words after `--`.

    Raises:
        ConfigError: a word is unknown or lacks its value.
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--tag", action="append")
    parser.add_argument("--layout")
    parser.add_argument("--engine")
    parser.add_argument("--platform")
    parser.add_argument("--no-cache", action="store_true")
    parser.add_argument("--fix", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--json", action="store_true")
    given, unknown = parser.parse_known_args(list(words))
    if unknown:
        parser.error(f'unknown word "{unknown[0]}"')
    config: dict[str, Any] = {}
    if given.tag:
        config["image"] = {"tags": given.tag}
    if given.layout is not None:
        config["layout"] = given.layout
    if given.engine is not None:
        config["smoke"] = {"engine": given.engine}
    return Options(
        config=config,
        platform=given.platform,
        use_cache=not given.no_cache,
        fix=given.fix,
        verbose=given.verbose,
        json=given.json,
    )
