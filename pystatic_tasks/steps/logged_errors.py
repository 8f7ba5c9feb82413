"""Finds errors in the log of a server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pystatic_tasks.config.model import ServerKind
from pystatic_tasks.in_image.servers import find_server

# The traceback of any program.
TRACEBACK = re.compile(r"[ +|]*(Exception Group )?Traceback \(most recent call last\)")
# From `sys.unraisablehook`: errors while an object or the interpreter is finalized.
IGNORED = "Exception ignored "
# What differs in each run: absolute paths, addresses, identifiers, and numbers such as times and processes.
PATHS = re.compile(r"(?<![\w.])/[\w.+-]+(/[\w.+-]*)+")
FIGURES = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b|\d+")


@dataclass(frozen=True)
class LoggedError:
    """An error in a log.

    Attributes:
        line: The line that shows it.
        text: Its identity: the last line of a traceback, or the line itself, without parts that differ in each
            run.
    """

    line: str
    text: str


def logged_errors(output: str, server: ServerKind, hide: Callable[[str], str] = str) -> Iterator[LoggedError]:
    """The errors in the log of a server, in order.

    Args:
        output: The log.
        server: The server.
        hide: Removes secrets from a text; called before numbers are replaced, which would make secrets unrecognizable.
    """
    error, warning = (re.compile(each) for each in (find_server(server).error_line, find_server(server).warning_line))
    lines = output.splitlines()
    for number, line in enumerate(lines):
        is_traceback = TRACEBACK.match(line)
        # Some warnings have a traceback, for example for an unreachable statsd; so do errors that Python ignores.
        before = lines[number - 1] if number else ""
        is_warning = is_traceback and (warning.search(before) or before.startswith(IGNORED))
        if is_traceback and not is_warning:
            yield LoggedError(line.strip(), same_each_time(hide(raised(lines[number + 1 :]))))
        elif not is_traceback and error.search(line):
            yield LoggedError(line.strip(), same_each_time(hide(line)))


def raised(lines: Sequence[str]) -> str:
    """The first line after the frames of a traceback, which exception groups indent."""
    whole = (re.sub(r"^ *[|+] ?", "", line) for line in lines)
    return next((line for line in whole if line and not line.startswith(" ")), "")


def same_each_time(text: str) -> str:
    return FIGURES.sub("0", PATHS.sub("/", text.strip()))
