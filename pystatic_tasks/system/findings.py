"""What was looked at on a machine, and what there is to say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "missing", "wrong", "warning", "info"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        state: "ok"; "missing", without which nothing can be built; "wrong", with which nothing can; "warning"; or
            "info", which may stay as it is.
        seen: What was found: a version, a path, or what is wrong.
        cure: What to do; empty if nothing.
    """

    name: str
    state: State
    seen: str
    cure: str = ""
