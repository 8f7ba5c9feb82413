"""Compares answers by their words, in any order and without digits, to ignore what differs from run to run."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator

from .client import Answer

# Characters that join the parts of keys and identifiers, which usually contain digits.
OF_TOKENS = "_+=-"
TOKEN = re.compile(rf"[^\s{re.escape(''.join(set(string.punctuation) - set(OF_TOKENS)))}]+")
# In characters. Shorter words also appear in random data.
SHORTEST = 4
# Texts for people and programs, but not code or style sheets.
COMPARED = re.compile(r"text/(?!css|javascript)|application/([\w.-]+\+)?(json|xml)$")
# Replaces what is not valid UTF-8: the answer is compressed, or in another encoding.
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
# Longer answers are not compared; in characters.
LONGEST = 200_000


def words_of(answer: Answer) -> set[str]:
    """The words of a text answer; none if it is an error, too long, endless, or not a text."""
    is_text = COMPARED.match(answer.type) and UNREADABLE not in answer.body and not answer.endless
    is_compared = 200 <= answer.status < 400 and is_text and len(answer.body) <= LONGEST
    return words(answer.body) if is_compared else set()


def words(text: str) -> set[str]:
    return {word for token in TOKEN.findall(text) for word in words_in(token)}


def words_in(token: str) -> Iterator[str]:
    """The words of a token; none if it contains digits."""
    if not any(letter.isdigit() for letter in token):
        yield from (word for word in re.split(rf"[{re.escape(OF_TOKENS)}]+", token) if len(word) >= SHORTEST)


def in_both(first: Answer, second: Answer, apart: Iterable[str]) -> tuple[str, ...]:
    """The words that two answers to the same request share, sorted, without those of the texts in `apart`."""
    if (first.status, first.type) != (second.status, second.type):
        return ()
    return tuple(sorted((words_of(first) & words_of(second)) - words(" ".join(apart))))
