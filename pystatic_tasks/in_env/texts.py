"""Texts in data of any depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def texts_in(value: Any) -> Iterator[str]:
    """All texts in tables and lists, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from texts_in([*value.keys(), *value.values()])
    elif isinstance(value, (list, tuple, set)):
        for each in value:
            yield from texts_in(each)
