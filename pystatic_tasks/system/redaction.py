"""User names, passwords and tokens in URLs: hidden in what is shown and logged, left out of what is published."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

HIDDEN = "***@"
LONGEST_SCHEME = 30
SCHEME = r"[A-Za-z][\w+.-]{0,20}"
# What stands after the scheme of a URL, in a string of JSON too.
SLASHES = r":(?:\\*/){2}"
BEFORE_SLASHES = re.compile(rf"{SCHEME}$")
AFTER_SCHEME = re.compile(SLASHES)
# The end of a line, and the next URL.
END = re.compile(rf"[\r\n]|[\s'\"=(,<;|\[{{]{SCHEME}{SLASHES}")
# The port, and what ends a host in a URL or in a sentence; behind any other colon stands a password.
AFTER_HOST = r"[/?#\s\\'\"`,;)\]}>]|\.(?:[\s'\"]|$)|$"
END_OF_HOST = rf"(?::\d{{1,5}})?(?={AFTER_HOST})"
# What nobody takes for a part of a password, and what might be one.
HOST = re.compile(rf"(?:localhost|(?:\d+\.){{3}}\d+|\[[\da-fA-F:.]+\]|(?:[\w-]+\.)+[a-zA-Z][\w-]+){END_OF_HOST}")
SHORT_HOST = re.compile(rf"[\w-]+{END_OF_HOST}")
BEFORE_HOST = re.compile(f"@(?={HOST.pattern})")
# Of any kind, also where a message goes on after a colon.
BEFORE_ANY_HOST = re.compile(rf"@(?=(?:\[[\da-fA-F:.]+\]|[\w.%-]+)(?::\d{{1,5}})?(?=:\s|{AFTER_HOST}))")
# What is installed from a repository names a branch or a tag behind the path.
OF_REPOSITORY = re.compile(rf"(?:git|hg|svn|bzr)\+{SCHEME}{SLASHES}$")
REPOSITORY = re.compile(r"@[\w.-]+(?::\d{1,5})?/[\w./~%+-]+")
REVISION = re.compile(r"@[\w.-]+(?=[\s#\\'\"`,;)\]}>]|$)")
# Where another program is to put one in.
FROM_VARIABLE = re.compile(r"(?:[^:]*:)?\$\{\w+\}")
# A plain address: without user, query and fragment once they are cut off, and without anything that hides one.
HTTPS_ADDRESS = re.compile(r"https://(?:[^/?#\s]*@)?([\w.-]+(?::\d+)?(?:/[^@?#\\\s]*)?)(?:[?#][^@\s]*)?", re.IGNORECASE)
# Of what stands before a host, in characters; no server takes as much.
LONGEST = 8192
PATIENCE_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class UserInfo:
    """What stands before the host of a URL.

    Attributes:
        scheme: The URL's.
        text: User, password or both, without the "@" after them.
        start: Where that begins in the text that was searched.
    """

    scheme: str
    text: str
    start: int

    @property
    def password(self) -> str:
        """What of it is secret: the password or, by HTTP where there is none, a token; "" if there is neither."""
        user, _, password = self.text.partition(":")
        return password or (user if self.scheme.lower().endswith(("http", "https")) else "")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A part of a text that holds no second URL, but maybe what looks like one in a password.

    Attributes:
        text: The whole text.
        end: Where the part ends.
        before_hosts: Where an "@" stands in it that is before what nobody takes for a part of a password, in order.
        before_any_hosts: The same before whatever may be a host.
    """

    text: str
    end: int
    before_hosts: Sequence[int] = ()
    before_any_hosts: Sequence[int] = ()


def masked(text: str) -> str:
    """The text, with what stands before the host in each URL hidden.

    A password may hold anything but the end of a line and another URL. In doubt more is hidden than need be.
    The user "git" is everybody's, and is shown.
    """
    parts, shown = [], 0
    for info in user_infos(text):
        if info.text != "git":
            parts += [text[shown : info.start], HIDDEN]
            shown = info.start + len(info.text) + 1
    return "".join([*parts, text[shown:]])


def masked_within(value: Any) -> Any:
    """Tables, lists and what is in them, with all of their texts and names `masked`."""
    if isinstance(value, Mapping):
        return {masked_within(name): masked_within(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked_within(each) for each in value]
    return masked(value) if isinstance(value, str) else value


def holds_password(text: str) -> bool:
    """Whether a URL in it has a password or a token; not where a variable's name stands for it."""
    return any(info.password and not FROM_VARIABLE.fullmatch(info.text) for info in user_infos(text))


def user_infos(text: str) -> Iterator[UserInfo]:
    """What stands before the hosts of all URLs in a text, in a time that grows as its length does."""
    at = 0
    line = Line(text=text, end=0)
    while match := AFTER_SCHEME.search(text, at):
        if match.end() > line.end:
            line = rest_of_line(text, match.end())
        found = user_info(line, match.end())
        if found:
            scheme = BEFORE_SLASHES.search(text, max(0, match.start() - 21), match.start())
            yield UserInfo(scheme=scheme[0] if scheme else "", text=found, start=match.end())
        at = match.end() + len(found)


def rest_of_line(text: str, start: int) -> Line:
    """A text from some place on, up to the end of the line or another URL."""
    end = END.search(text, start)
    stop = end.start() if end else len(text)
    return Line(
        text=text,
        end=stop,
        before_hosts=[match.start() for match in BEFORE_HOST.finditer(text, start, stop)],
        before_any_hosts=[match.start() for match in BEFORE_ANY_HOST.finditer(text, start, stop)],
    )


def user_info(line: Line, start: int) -> str:
    """What stands before the host, in all that follows the slashes of a URL in a line."""
    text, end = line.text, min(line.end, start + LONGEST)
    last = text.rfind("@", start, end)
    if last < 0 or HOST.match(text, start, line.end):
        return ""
    if SHORT_HOST.match(text, start, line.end):
        place = last_between(line.before_hosts, start, end)
    else:
        place = last_before_host(line, start, end)
        place = last if place < 0 else place
    found = text[start:place] if place >= 0 else ""
    # Behind that begins a path or goes on a sentence, unless there is a password.
    return "" if found.startswith(("/", " ", "\t", "'", '"')) and ":" not in found else found


def last_before_host(line: Line, start: int, end: int) -> int:
    """The last "@" before whatever may be a host, and is no revision of a repository; -1 if there is none."""
    place = last_between(line.before_any_hosts, start, end)
    before = last_between(line.before_any_hosts, start, place)
    if before < 0 or not OF_REPOSITORY.search(line.text, max(0, start - LONGEST_SCHEME), start):
        return place
    is_revision = REVISION.match(line.text, place, line.end) and not BEFORE_HOST.match(line.text, place, line.end)
    return before if is_revision and REPOSITORY.fullmatch(line.text, before, place) else place


def last_between(places: Sequence[int], start: int, end: int) -> int:
    """The last of the places, which are in order, from `start` on and before `end`; -1 if there is none."""
    index = bisect_left(places, end) - 1
    return places[index] if index >= 0 and places[index] >= start else -1


def public_url(address: str) -> str:
    """An address as a plain one by HTTPS, without user, query and fragment; "" if it is none or may hide a password."""
    match = HTTPS_ADDRESS.fullmatch(address)
    return f"https://{match[1]}" if match else ""


class Masking(logging.Filter):
    """Hides credentials in what is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked(record.getMessage()), ()
        return True


@contextlib.contextmanager
def masked_log(logger: logging.Logger) -> Iterator[None]:
    """Hide credentials in what is logged meanwhile."""
    masking = Masking()
    logger.addFilter(masking)
    try:
        yield
    finally:
        logger.removeFilter(masking)


@contextlib.contextmanager
def masked_stream(stream: TextIO) -> Iterator[TextIO]:
    """A file for tools to write to, whose lines appear on the stream with credentials hidden."""
    reading, writing = os.pipe()

    def copy() -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                print(masked(line), end="", file=stream, flush=True)

    copier = threading.Thread(target=copy, daemon=True)
    copier.start()
    try:
        with os.fdopen(writing, "w", encoding="utf-8") as file:
            yield file
    finally:
        # What outlives its tool and still holds the pipe is not waited for.
        copier.join(PATIENCE_SECONDS)
