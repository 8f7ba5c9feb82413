"""Hides secrets in a text, however programs quote them there.

ASCII letters and digits of a secret must appear unchanged. The signs between them may appear in any form in which
programs quote signs, and are compared as a set: in any order, at least as many as in the secret.

A text can be read in several ways: "%27" is an apostrophe, or a percent sign before two digits. All readings are
followed at once, and from each place of the text only once, so that the time grows only with the number of places and
of parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from heapq import heappop, heappush

from pystatic_tasks.config.signs import numbers, readings
from pystatic_tasks.system.redaction import masked

HIDDEN = "***"
# Shorter values would hide parts of unrelated words.
SHORTEST_SECRET = 4
# The same for one of several lines, since some lines are only brackets and common words.
SHORTEST_LINE = 8
# A longer secret is found as a whole only if it is not quoted; its lines are found in any form.
LONGEST_QUOTED = 4096
SIGNS = re.compile(r"([^A-Za-z0-9]+)")
BACKSLASH = "\\"
# Shells write an apostrophe as several of these characters.
QUOTES = f"{BACKSLASH}'\""

# The start and end of a part of a text.
Span = tuple[int, int]
# Returns the ways to read the sign at a place: where each ends, and its number.
Readings = Callable[[int], list[tuple[int, int]]]


@dataclass(frozen=True, kw_only=True)
class Signs:
    """The signs between two words of letters and digits.

    Attributes:
        least: Their minimum count.
        numbers: The code points that may appear for them.
    """

    least: int
    numbers: frozenset[int]

    def places(self, text: str) -> Iterator[int]:
        """The places in a text where one of them may start."""
        firsts = "".join(re.escape(chr(each)) for each in sorted({*self.numbers, *map(ord, "%&")}))
        return (match.start() for match in re.finditer(f"[{firsts}]", text))


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """The forms that a secret may be written in.

    Attributes:
        words: The parts that appear unchanged; one more than there are signs. The first and the last may be empty.
        signs: The signs between them.
    """

    words: tuple[str, ...]
    signs: tuple[Signs, ...] = ()

    def spans(self, text: str, read: Readings) -> Iterator[Span]:
        """Where the secret is in a text; `read` reads the text's signs."""
        if not all(each in text for each in self.words):
            return
        if self.signs:
            yield from self._spans(text, read)
        else:
            [word] = self.words
            yield from ((start, start + len(word)) for start in occurrences(word, text, len(word)))

    def _spans(self, text: str, read: Readings) -> Iterator[Span]:
        first, *words = self.words
        starts = occurrences(first, text, 1) if first else self.signs[0].places(text)
        ahead = Ahead((start + len(first), start) for start in starts)
        for at, reached in ahead:
            for number, (count, start) in reached.items():
                signs, word = self.signs[number], words[number]
                for end, each in read(at) if at < len(text) else ():
                    if each in signs.numbers:
                        ahead.add(end, number, min(count + 1, signs.least), start)
                if count < signs.least or not text.startswith(word, at):
                    continue
                if number + 1 < len(self.signs):
                    ahead.add(at + len(word), number + 1, 0, start)
                else:
                    yield start, at + len(word)


class Ahead:
    """The places of a text that are still to be examined, in order, with what was reached there.

    At each place, for each group of signs by its index: how many of them were read before it, and where the match
    starts. Several ways to the same place are merged, with the most signs and the earliest start.
    """

    def __init__(self, starts: Iterable[Span]) -> None:
        """
        Args:
            starts: Places where the first signs may begin, in their order, each with the beginning.
        """
        self.starts = iter(starts)
        self.places: list[int] = []
        self.reached: dict[int, dict[int, tuple[int, int]]] = {}

    def add(self, at: int, number: int, count: int, start: int) -> None:
        if at not in self.reached:
            self.reached[at] = {}
            heappush(self.places, at)
        most, earliest = self.reached[at].get(number, (count, start))
        self.reached[at][number] = max(most, count), min(earliest, start)

    def __iter__(self) -> Iterator[tuple[int, dict[int, tuple[int, int]]]]:
        upcoming = next(self.starts, None)
        while upcoming or self.places:
            if upcoming and (not self.places or upcoming[0] <= self.places[0]):
                self.add(upcoming[0], 0, 0, upcoming[1])
                upcoming = next(self.starts, None)
            else:
                at = heappop(self.places)
                yield at, self.reached.pop(at)


def occurrences(word: str, text: str, step: int) -> Iterator[int]:
    """The places where a word starts in a text; the search continues `step` characters after each."""
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + step)


def hidden(text: str, secrets: Iterable[str], plain: Iterable[str] = ()) -> str:
    """The text without the secrets, the plain secrets and credentials in URLs.

    Args:
        text: The text.
        secrets: Secrets to hide however they are quoted.
        plain: Secrets to hide only as they are.
    """
    return hiding(secrets, plain)(text)


def hiding(secrets: Iterable[str], plain: Iterable[str] = ()) -> Callable[[str], str]:
    """The function that `hidden` applies, for many texts."""
    patterns = patterns_of(secrets, plain)
    return lambda text: masked(without(text, spans_of(patterns, text)))


def holds(text: str, secrets: Iterable[str], plain: Iterable[str] = ()) -> bool:
    """Whether any of the secrets is in a text; arguments as for `hidden`."""
    return any(True for _ in spans_of(patterns_of(secrets, plain), text))


def patterns_of(secrets: Iterable[str], plain: Iterable[str]) -> set[Pattern]:
    parts = {part for secret in secrets for part in parts_of(secret)}
    words = {each for each in plain if len(each) >= SHORTEST_SECRET}
    return {*map(pattern, parts), *(Pattern(words=(each,)) for each in words)}


def spans_of(patterns: Iterable[Pattern], text: str) -> Iterator[Span]:
    read = cache(partial(readings, text))
    for each in patterns:
        yield from each.spans(text, read)


def without(text: str, spans: Iterable[Span]) -> str:
    """The text with these parts hidden; overlapping parts are hidden as one."""
    parts, shown = [], 0
    for start, end in sorted(spans):
        if start >= shown:
            parts += [text[shown:start], HIDDEN]
        shown = max(shown, end)
    return "".join([*parts, text[shown:]])


def parts_of(secret: str) -> Iterator[str]:
    """The parts of a secret that are hidden separately: all of it, and each of its lines."""
    if len(secret.strip()) < SHORTEST_SECRET:
        return
    lines = [line.strip() for line in secret.splitlines()]
    shortest = SHORTEST_LINE if len(lines) > 1 else SHORTEST_SECRET
    yield from (secret, *(line for line in lines if len(line) >= shortest))


def effort(secrets: Iterable[str]) -> int:
    """The maximum number of steps to look for the secrets at one place of a text."""
    parts = {part for secret in secrets for part in parts_of(secret)}
    return sum(len(pattern(part).words) for part in parts)


def pattern(secret: str) -> Pattern:
    inner = secret.strip(QUOTES)
    if len(inner) < SHORTEST_SECRET or len(secret) > LONGEST_QUOTED:
        return Pattern(words=(secret,))
    parts = SIGNS.split(inner)
    words, between = parts[::2], parts[1::2]
    signs = []
    for before, text, after in zip(words[:-1], between, words[1:], strict=True):
        has_quotes = not set(QUOTES).isdisjoint(text)
        quotes = QUOTES if (before and after) or has_quotes else BACKSLASH
        signs.append(Signs(least=len(text), numbers=numbers(f"{text}{quotes}")))
    return Pattern(words=tuple(words), signs=tuple(signs))
