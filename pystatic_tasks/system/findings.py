"""A finding about a machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "missing", "wrong", "warning", "info"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was checked.

    Attributes:
        name: Its name.
        state: "ok"; "missing" or "wrong", with which nothing can be built; "warning"; or "info", which needs no
            action.
        seen: What was found: a version, a path, or what is wrong.
        cure: What to do; "" if nothing.
    """

    name: str
    state: State
    seen: str
    cure: str = ""
