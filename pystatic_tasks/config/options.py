"""The options of all steps, as data: for words after Nox's `--`, for Invoke's tasks and for the command line."""

from __future__ import annotations

import argparse
import ipaddress
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, get_args

from pystatic_tasks.config.model import CONTAINER_ENGINES, ENGINE_NAMES, HERE, KEEPS_NO_IMAGES, Layout
from pystatic_tasks.config.project import LONGEST_MESSAGE
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.system.machine import normalized
from pystatic_tasks.system.texts import printable


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option.

    Attributes:
        name: Its name, such as "--tag".
        help: What it does, in a few words.
        metavar: The placeholder for its value; empty for a switch.
        short: Its short form: one hyphen and a letter.
        repeatable: Whether it may be given more than once.
        is_path: Whether its value is a path; other front ends make it absolute before they pass it on.
        steps: The steps that take it; empty for all of them.
    """

    name: str
    help: str
    metavar: str = ""
    short: str = ""
    repeatable: bool = False
    is_path: bool = False
    steps: tuple[str, ...] = ()

    @property
    def field(self) -> str:
        """The name of its value, such as "no_cache"."""
        return self.name.removeprefix("--").replace("-", "_")

    @property
    def names(self) -> list[str]:
        """Its names, such as "--filename" and "-f"."""
        return [self.name, *([self.short] if self.short else [])]

    @property
    def usage(self) -> str:
        """The option as the user types it."""
        return f"{self.name} {self.metavar}".strip()

    def is_taken_by(self, steps: Collection[str]) -> bool:
        """Whether one of these steps takes it."""
        return not self.steps or not set(self.steps).isdisjoint(steps)


SEVERAL_PLATFORMS = "linux/amd64,linux/arm64"
STANDARD_INPUT = "-"  # In place of a path.
# The formats that sbom writes; always the first.
FORMATS = ("cyclonedx", "spdx", "spdx3")
# Text after the last "--" is for the program that these steps run.
RUN_PROGRAMS = ("run", "shell")
OPTIONS = (
    Option(
        name="--tag", metavar="TAG", repeatable=True, help="a tag, or a whole reference; may be given more than once"
    ),
    Option(name="--layout", metavar="LAYOUT", help=" or ".join(get_args(Layout))),
    Option(name="--engine", metavar="ENGINE", help=f"{', '.join(ENGINE_NAMES)} or auto"),
    Option(
        name="--in",
        metavar="PLACE",
        help=f"where to freeze and pack: {HERE}, or in a container of {' or '.join(CONTAINER_ENGINES)}",
    ),
    Option(
        name="--platform",
        metavar="PLATFORM",
        help=f"the container's platform, such as linux/arm64, or several, such as {SEVERAL_PLATFORMS}; "
        "without a container, it must be the machine's",
    ),
    Option(
        name="--archive",
        metavar="FILE",
        repeatable=True,
        is_path=True,
        steps=("index",),
        help="an image.tar for index to join; given once for each platform",
    ),
    Option(
        name="--filename",
        short="-f",
        metavar="FILE",
        repeatable=True,
        is_path=True,
        steps=("resolve",),
        help=f"YAML for resolve: a file, a folder, or {STANDARD_INPUT} for standard input; may be given more than once",
    ),
    Option(name="--recursive", short="-R", steps=("resolve",), help="let resolve read subfolders too"),
    Option(name="--no-cache", help="do everything again, in a new environment"),
    Option(
        name="--no-observe", help="freeze only what an analysis of the code finds, without running the program first"
    ),
    Option(
        name="--fix",
        steps=("smoke",),
        help="let smoke write what it finds missing into pyproject.toml, rebuild and run again",
    ),
    Option(
        name="--format",
        metavar="FORMAT",
        repeatable=True,
        steps=("sbom",),
        help="what sbom writes: {}, which is always written, or {} or {} too; may be given more than once".format(
            *FORMATS
        ),
    ),
    Option(
        name="--check-reproducible",
        steps=("image",),
        help="build the image a second time, elsewhere, and fail if the two images differ",
    ),
    Option(
        name="--env",
        metavar="NAME[=VALUE]",
        repeatable=True,
        steps=RUN_PROGRAMS,
        help="run and shell: an environment variable for the program; NAME alone takes your variable's value; "
        "may be given more than once",
    ),
    Option(
        name="--publish",
        metavar="[HOST:]PORT",
        steps=("run",),
        help="run: the address to reach the program at (default: 127.0.0.1 and the program's own port, if it is free)",
    ),
    Option(name="--open", steps=("report",), help="report: show the page in a browser"),
    Option(name="--watch", steps=("run",), help="run: rebuild and restart the program when something changes"),
    Option(name="--verbose", help="show the tools' own output"),
    Option(name="--json", help="print the step's manifest on standard output, and nothing else there"),
)
# Nox has a session for each image instead.
IMAGE_OPTION = Option(
    name="--image",
    metavar="NAME",
    repeatable=True,
    help="one of several images of the project; may be given more than once",
)
KNOWN = ", ".join(option.usage for option in OPTIONS)
# The words after this one are for the program that run starts, or for shell.
END_OF_OPTIONS = "--"
PLATFORM = re.compile("linux/[a-z0-9]+(/[a-z0-9]+)?")
DEFAULT_HOST = "127.0.0.1"
LOCALHOST = "localhost"
PORTS = range(1, 65_536)


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options after `--`.

    Attributes:
        config: Those that override configuration, as a raw table.
        platforms: The requested platforms, without duplicates.
        archives: Paths of archives to join.
        filenames: Paths of YAML files and of folders with such files; or `STANDARD_INPUT`.
        recursive: Whether to read subfolders too.
        use_cache: Whether a step may be skipped when nothing has changed.
        observe: Whether the program is run before it is frozen.
        fix: Whether to write repairs that smoke finds into pyproject.toml, and to build again.
        formats: The formats that sbom writes, of `FORMATS`.
        variables: Environment variables for the program that run or shell starts.
        publish: Host and port at which run publishes the program, or None.
        open: Whether report shows its page in a browser.
        watch: Whether run rebuilds and restarts the program when something changes.
        arguments: The words after a second `--`, for that program; None without it.
        check_reproducible: Whether the image is built a second time and compared.
        verbose: Whether the tools' own output is shown.
        json: Whether only the step's manifest is printed on standard output.
        given: Names of the options that were given.
    """

    config: dict[str, Any] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()
    filenames: tuple[str, ...] = ()
    recursive: bool = False
    use_cache: bool = True
    observe: bool = True
    fix: bool = False
    formats: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    publish: tuple[str, int] | None = None
    open: bool = False
    watch: bool = False
    arguments: tuple[str, ...] | None = None
    check_reproducible: bool = False
    verbose: bool = False
    json: bool = False
    given: tuple[str, ...] = field(default=(), compare=False)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(
            f"After --: {printable(message, LONGEST_MESSAGE)}.",
            f"Available: {KNOWN}; put another -- before words for the program.",
        )


def add_options(
    parser: argparse.ArgumentParser, options: Sequence[Option] = OPTIONS, steps: Collection[str] | None = None
) -> None:
    """Add the options to a parser of argparse.

    Args:
        parser: The parser.
        options: The options.
        steps: The steps to run; the help lists only options that they take.
    """
    for option in options:
        shown = option.help if steps is None or option.is_taken_by(steps) else argparse.SUPPRESS
        if option.metavar:
            action = "append" if option.repeatable else "store"
            parser.add_argument(*option.names, metavar=option.metavar, action=action, help=shown)
        else:
            parser.add_argument(*option.names, action="store_true", help=shown)


def given_options(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the options that have a value, by field."""
    return tuple(option.name for option in OPTIONS if values.get(option.field) not in (None, False, []))


def check_taken(given: Collection[str], arguments: Sequence[str] | None, steps: Collection[str]) -> None:
    """Check that each option and argument is for a step that will run.

    Args:
        given: Names of options.
        arguments: Words after the last "--"; None without it.
        steps: The steps, with those before them.

    Raises:
        ConfigError: one is not; the error names the first.
    """
    for option in OPTIONS:
        if option.name in given and not option.is_taken_by(steps):
            raise not_taken(option.name, option.steps)
    if arguments and set(RUN_PROGRAMS).isdisjoint(steps):
        raise not_taken(f'Text after the last "{END_OF_OPTIONS}"', RUN_PROGRAMS)


def not_taken(what: str, steps: Sequence[str]) -> ConfigError:
    were = "was" if len(steps) == 1 else "were"
    return ConfigError(f"{what} is for {' and '.join(steps)}, which {were} not requested.", "Remove it.")


def parse_options(words: Sequence[str]) -> Options:
    """Parse the words after `--`.

    Raises:
        ConfigError: a word is unknown, or its value is missing or wrong.
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    add_options(parser)
    ours, arguments = divided(words)
    given, unknown = parser.parse_known_args(list(ours))
    if unknown:
        parser.error(f'unknown word "{unknown[0]}"')
    for name in given.format or ():
        if name not in FORMATS:
            known = ", ".join(f'"{each}"' for each in FORMATS)
            raise wrong_value("--format", name, f"must be one of {known}")
    config: dict[str, Any] = {}
    if given.tag:
        config["image"] = {"tags": given.tag}
    if given.layout is not None:
        config["layout"] = given.layout
    place = vars(given)["in"]
    if place is not None:
        config["build"] = {"place": place}
    if given.engine is not None:
        config["smoke"] = {"engine": given.engine}
    return Options(
        config=config,
        platforms=() if given.platform is None else platforms(given.platform),
        archives=tuple(given.archive or ()),
        filenames=tuple(given.filename or ()),
        recursive=given.recursive,
        use_cache=not given.no_cache,
        observe=not given.no_observe,
        fix=given.fix,
        formats=tuple(given.format or ()),
        variables=dict(variable(text) for text in given.env or ()),
        publish=None if given.publish is None else address(given.publish),
        open=given.open,
        watch=given.watch,
        arguments=arguments,
        check_reproducible=given.check_reproducible,
        verbose=given.verbose,
        json=given.json,
        given=given_options(vars(given)),
    )


def wrong_value(name: str, value: str, problem: str) -> ConfigError:
    """The error for an option's wrong value."""
    option = next(each for each in OPTIONS if each.name == name)
    return ConfigError(f'{name} = "{printable(value)}": {problem}.', f"Correct it: {option.usage}.")


def divided(words: Sequence[str]) -> tuple[Sequence[str], tuple[str, ...] | None]:
    """The options, and the words after the end of options; None if nothing ends them."""
    if END_OF_OPTIONS not in words:
        return words, None
    place = list(words).index(END_OF_OPTIONS)
    return words[:place], tuple(words[place + 1 :])


def platforms(text: str) -> tuple[str, ...]:
    """The platforms in one word, by their normal names; a single one is checked later, where it is used."""
    found = tuple(map(normalized, text.split(",")))
    if len(found) > 1 and not (len(set(found)) == len(found) and all(map(PLATFORM.fullmatch, found))):
        raise wrong_value(
            "--platform", text, f"must be one platform or several Linux platforms, such as {SEVERAL_PLATFORMS}"
        )
    return found


def variable(text: str) -> tuple[str, str]:
    """Name and value of an environment variable; a name alone takes the caller's value."""
    name, equals, value = text.partition("=")
    if not name:
        raise wrong_value("--env", text, "has no name")
    if not equals and name not in os.environ:
        problem = f"the variable {printable(name)} is not set; give its value, or set it in your environment"
        raise wrong_value("--env", text, problem)
    return name, value if equals else os.environ[name]


def address(text: str) -> tuple[str, int]:
    """Host and port to publish at."""
    host, _, port = text.rpartition(":")
    try:
        checked = str(ipaddress.IPv4Address(DEFAULT_HOST if host in ("", LOCALHOST) else host))
    except ValueError:
        problem = f"the host must be {LOCALHOST} or an IPv4 address, such as {DEFAULT_HOST}"
        raise wrong_value("--publish", text, problem) from None
    if not (port.isascii() and port.isdigit() and int(port) in PORTS):
        raise wrong_value("--publish", text, f"the port must be a number from {PORTS[0]} to {PORTS[-1]}")
    return checked, int(port)


def words_of_second_build(options: Options) -> tuple[str, ...]:
    """The words for a second build of the same image, which is not loaded into an engine."""
    tags = options.config.get("image", {}).get("tags")
    given = {"tag": tags, "layout": options.config.get("layout"), "engine": KEEPS_NO_IMAGES}
    return to_words({**given, "no_observe": not options.observe})


def words_in_container(options: Options) -> tuple[str, ...]:
    """The words for freezing and packing the same image in a container."""
    given = {"in": HERE, "layout": options.config.get("layout"), "verbose": options.verbose}
    return to_words({**given, "no_observe": not options.observe, "no_cache": not options.use_cache})


def to_words(given: Mapping[str, Any], arguments: Sequence[str] | None = None) -> tuple[str, ...]:
    """The options as words for `parse_options`.

    Args:
        given: Values by field: a string, a list of strings, True or False; None or missing if not given.
        arguments: The arguments of the program that run starts, or for shell; None if there is no "--".
    """
    words: list[str] = []
    for option in OPTIONS:
        value = given.get(option.field)
        if option.metavar:
            values = value if option.repeatable else [value]
            given_values = [each for each in values or () if each is not None]
            # As one word, since a value may begin with a hyphen.
            words += [f"{option.name}={absolute(each) if option.is_path else each}" for each in given_values]
        elif value:
            words.append(option.name)
    return (*words, *([] if arguments is None else [END_OF_OPTIONS, *arguments]))


def absolute(path: str) -> str:
    """The path, valid in any working directory."""
    return path if path == STANDARD_INPUT else str(Path(path).absolute())
