"""Tells from PyInstaller's log what it is doing."""

from __future__ import annotations

import re

HOOK = re.compile(r"Processing standard module hook 'hook-(.*?)\.py'")
PHASES = {
    "Initializing module dependency graph": "following imports",
    "Looking for dynamic libraries": "looking for libraries",
    "Building PYZ": "compiling",
    "Building PKG": "packing",
}


def phase_of(line: str) -> str:
    """The phase that begins with a line of the log, or ""."""
    hook = HOOK.search(line)
    if hook:
        return f"following imports: {hook[1]}"
    return next((phase for sign, phase in PHASES.items() if sign in line), "")
