"""User names, passwords and tokens in URLs: hides them in output and logs, and removes them from published text."""

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
# The user of repositories that is the same for everyone.
NOBODY = "git"
LONGEST_SCHEME = 30
SCHEME = r"[A-Za-z][\w+.-]{0,20}"
# The text after a URL's scheme, also inside a JSON string.
SLASHES = r":(?:\\*/){2}"
BEFORE_SLASHES = re.compile(rf"{SCHEME}$")
AFTER_SCHEME = re.compile(SLASHES)
# The end of a line, and the next URL.
END = re.compile(rf"[\r\n]|[\s'\"=(,<;|\[{{]{SCHEME}{SLASHES}")
# The port, and what ends a host in a URL or in a sentence; any other colon precedes a password.
AFTER_HOST = r"[/?#\s\\'\"`,;)\]}>]|\.(?:[\s'\"]|$)|$"
END_OF_HOST = rf"(?::\d{{1,5}})?(?={AFTER_HOST})"
# Text that cannot be part of a password, and text that could be.
HOST = re.compile(rf"(?:localhost|(?:\d+\.){{3}}\d+|\[[\da-fA-F:.]+\]|(?:[\w-]+\.)+[a-zA-Z][\w-]+){END_OF_HOST}")
SHORT_HOST = re.compile(rf"[\w-]+{END_OF_HOST}")
BEFORE_HOST = re.compile(f"@(?={HOST.pattern})")
# Any host, even if a message continues after a colon.
BEFORE_ANY_HOST = re.compile(rf"@(?=(?:\[[\da-fA-F:.]+\]|[\w.%-]+)(?::\d{{1,5}})?(?=:\s|{AFTER_HOST}))")
# Requirements from a repository have a branch or a tag after the path.
OF_REPOSITORY = re.compile(rf"(?:git|hg|svn|bzr)\+{SCHEME}{SLASHES}$")
REPOSITORY = re.compile(r"@[\w.-]+(?::\d{1,5})?/[\w./~%+-]+")
REVISION = re.compile(r"@[\w.-]+(?=[\s#\\'\"`,;)\]}>]|$)")
# User and password without a host, since a tool took the address apart: what follows the colon is no port.
CUT_OFF = re.compile(
    rf"(https?{SLASHES})[^\s/?#@:\[\]\\'\"]+:(?!\d{{0,5}}(?:{AFTER_HOST}|:\s))(?!\$?\{{\w+\}})\S+", re.IGNORECASE
)
# A placeholder that another program replaces.
FROM_VARIABLE = re.compile(r"(?:[^:]*:)?\$\{\w+\}")
# A plain address: without user, query and fragment after these are removed, and with nothing that could hide one.
HTTPS_ADDRESS = re.compile(r"https://(?:[^/?#\s]*@)?([\w.-]+(?::\d+)?(?:/[^@?#\\\s]*)?)(?:[?#][^@\s]*)?", re.IGNORECASE)
# The maximum length of the part before a host, in characters; no server accepts more.
LONGEST = 8192
PATIENCE_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class UserInfo:
    """The user information in a URL, before its host.

    Attributes:
        scheme: The URL's scheme.
        text: User, password or both, without the "@" after them.
        start: Where it starts in the searched text.
    """

    scheme: str
    text: str
    start: int

    @property
    def password(self) -> str:
        """Its secret part: the password or, in HTTP without a password, the user as a token; "" if there is neither."""
        user, _, password = self.text.partition(":")
        return password or (user if user != NOBODY and self.scheme.lower().endswith(("http", "https")) else "")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A part of a text without a second URL, though a password in it may look like one.

    Attributes:
        text: The whole text.
        end: Where the part ends.
        before_hosts: The places of each "@" before a text that cannot be part of a password, in order.
        before_any_hosts: The places of each "@" before anything that may be a host, in order.
    """

    text: str
    end: int
    before_hosts: Sequence[int] = ()
    before_any_hosts: Sequence[int] = ()


def masked(text: str) -> str:
    """The text with the user information in each URL hidden.

    A password may contain anything but the end of a line and another URL. In doubt, too much is hidden.
    The user of nobody in particular is shown. Where the host is missing, all of the word is hidden.
    """
    parts, shown = [], 0
    for info in user_infos(text):
        if info.text != NOBODY:
            parts += [text[shown : info.start], HIDDEN]
            shown = info.start + len(info.text) + 1
    return CUT_OFF.sub(rf"\1{HIDDEN}", "".join([*parts, text[shown:]]))


def masked_within(value: Any) -> Any:
    """Tables and lists with all of their strings and names `masked`."""
    if isinstance(value, Mapping):
        return {masked_within(name): masked_within(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked_within(each) for each in value]
    return masked(value) if isinstance(value, str) else value


def holds_password(text: str) -> bool:
    """Whether a URL in the text has a password or a token; the name of a variable in its place does not count."""
    return any(info.password and not FROM_VARIABLE.fullmatch(info.text) for info in user_infos(text))


def user_infos(text: str) -> Iterator[UserInfo]:
    """The user information in all URLs of a text, in time proportional to its length."""
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
    """The part of a text from `start` to the end of the line or the next URL."""
    end = END.search(text, start)
    stop = end.start() if end else len(text)
    return Line(
        text=text,
        end=stop,
        before_hosts=[match.start() for match in BEFORE_HOST.finditer(text, start, stop)],
        before_any_hosts=[match.start() for match in BEFORE_ANY_HOST.finditer(text, start, stop)],
    )


def user_info(line: Line, start: int) -> str:
    """The user information of a URL whose slashes end at `start`; "" if it has none."""
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
    # A path or a sentence continues like this, unless there is a password.
    return "" if found.startswith(("/", " ", "\t", "'", '"')) and ":" not in found else found


def last_before_host(line: Line, start: int, end: int) -> int:
    """The last "@" before anything that may be a host, but not before a repository's revision; -1 if there is none."""
    place = last_between(line.before_any_hosts, start, end)
    before = last_between(line.before_any_hosts, start, place)
    if before < 0 or not OF_REPOSITORY.search(line.text, max(0, start - LONGEST_SCHEME), start):
        return place
    is_revision = REVISION.match(line.text, place, line.end) and not BEFORE_HOST.match(line.text, place, line.end)
    return before if is_revision and REPOSITORY.fullmatch(line.text, before, place) else place


def last_between(places: Sequence[int], start: int, end: int) -> int:
    """The last of the places, which are in order, between `start` and `end` (exclusive); -1 if there is none."""
    index = bisect_left(places, end) - 1
    return places[index] if index >= 0 and places[index] >= start else -1


def public_url(address: str) -> str:
    """A plain HTTPS address, without user, query and fragment; "" if the text is none or may hide a password."""
    match = HTTPS_ADDRESS.fullmatch(address)
    return f"https://{match[1]}" if match else ""


class Masking(logging.Filter):
    """Hides credentials in log messages."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked(record.getMessage()), ()
        return True


@contextlib.contextmanager
def masked_log(logger: logging.Logger) -> Iterator[None]:
    """Hide credentials in messages that are logged in the meantime."""
    masking = Masking()
    logger.addFilter(masking)
    try:
        yield
    finally:
        logger.removeFilter(masking)


@contextlib.contextmanager
def masked_stream(stream: TextIO) -> Iterator[TextIO]:
    """A file that tools can write to; its lines appear on the stream with credentials hidden."""
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
        # Do not wait for processes that outlive the tool and keep the pipe open.
        copier.join(PATIENCE_SECONDS)
