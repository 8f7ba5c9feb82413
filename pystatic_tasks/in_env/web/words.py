"""What an answer says, compared without what differs from run to run: its words, in no order and without figures."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator

from .client import Answer

# Tokens, keys and identifiers hold together by these, and have figures somewhere.
OF_TOKENS = "_+=-"
TOKEN = re.compile(rf"[^\s{re.escape(''.join(set(string.punctuation) - set(OF_TOKENS)))}]+")
# In characters. Shorter ones are found in anything random too.
SHORTEST = 4
# Texts for people and programs; a file of code or style is there or is not.
COMPARED = re.compile(r"text/(?!css|javascript)|application/([\w.-]+\+)?(json|xml)$")
# Stands for what is no UTF-8: the answer is compressed, or in another encoding.
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
# A longer answer is not compared, in characters.
LONGEST = 200_000


def words_of(answer: Answer) -> set[str]:
    """The words of a text; none of any other answer, of a long one, of one without end, and of an error."""
    is_text = COMPARED.match(answer.type) and UNREADABLE not in answer.body and not answer.endless
    is_compared = 200 <= answer.status < 400 and is_text and len(answer.body) <= LONGEST
    return words(answer.body) if is_compared else set()


def words(text: str) -> set[str]:
    return {word for token in TOKEN.findall(text) for word in words_in(token)}


def words_in(token: str) -> Iterator[str]:
    """The words of a token, or none where it has figures."""
    if not any(letter.isdigit() for letter in token):
        yield from (word for word in re.split(rf"[{re.escape(OF_TOKENS)}]+", token) if len(word) >= SHORTEST)


def in_both(first: Answer, second: Answer, apart: Iterable[str]) -> tuple[str, ...]:
    """The words of two answers to the same request, sorted, without those of the texts in `apart`."""
    if (first.status, first.type) != (second.status, second.type):
        return ()
    return tuple(sorted((words_of(first) & words_of(second)) - words(" ".join(apart))))
