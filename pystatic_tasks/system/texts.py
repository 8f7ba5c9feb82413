"""Texts of somebody else's, as they may be shown in one line."""

from __future__ import annotations

import json

LONGEST_SHOWN = 100


def printable(text: str, most: int = LONGEST_SHOWN) -> str:
    """The text without its end, if it is long, and with escapes for what would not be seen as it is."""
    short = text if len(text) <= most else f"{text[:most]}…"
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in short)


def quoted(text: str) -> str:
    """The same, as Python writes a text."""
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…")


def toml_text(text: str) -> str:
    """A text without control characters but tabs, as TOML writes it."""
    return json.dumps(text, ensure_ascii=False)
