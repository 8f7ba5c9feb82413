"""Makes untrusted texts safe to show in one line."""

from __future__ import annotations

import json

LONGEST_SHOWN = 100


def printable(text: str, most: int = LONGEST_SHOWN) -> str:
    """The text, shortened if it is long, with unprintable characters escaped."""
    short = text if len(text) <= most else f"{text[:most]}…"
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in short)


def quoted(text: str) -> str:
    """The text, shortened if it is long, as a Python literal."""
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…")


def toml_text(text: str) -> str:
    """A text without control characters except tabs, as a TOML string."""
    return json.dumps(text, ensure_ascii=False)
