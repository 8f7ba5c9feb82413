"""Detects values that no configuration needs and that would break the code that handles them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MOST_LEVELS = 100
# The limit of integers in TOML: https://toml.io/en/v1.0.0#integer
LARGEST = 2**63 - 1


def unwieldy(value: Any) -> str:
    """Why a value, or one inside it, cannot be handled; or ""."""
    if is_nested_deeper(value):
        return f"nests tables and lists more than {MOST_LEVELS} levels deep"
    for each in inside(value):
        if isinstance(each, int) and not -LARGEST - 1 <= each <= LARGEST:
            return "has a whole number of more than 64 bits"
        if isinstance(each, str) and not is_unicode(each):
            return "has a string that is not valid Unicode"
    return ""


def is_nested_deeper(value: Any, levels: int = MOST_LEVELS) -> bool:
    """Whether tables and lists are nested deeper than that."""
    below = [value]
    for _ in range(levels):
        below = [each for outer in below for each in members(outer)]
        if not below:
            return False
    return any(isinstance(each, (Mapping, list, tuple)) for each in below)


def inside(value: Any) -> Iterator[Any]:
    """A value and everything in it, including keys."""
    yield value
    if isinstance(value, Mapping):
        yield from value
    for each in members(value):
        yield from inside(each)


def members(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, (list, tuple)):
        yield from value


def is_unicode(text: str) -> bool:
    """Whether it can be encoded in UTF-8; strings with lone surrogates cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
