"""Where the files of a tree lie in the folder that the launcher makes."""

from __future__ import annotations

from pathlib import Path

from ..freeze.tree import INTERPRETER, PREFIX

# What the launcher starts the interpreter with.
LAUNCHED = "launched.pyc"


def place_of(path: Path, name: str) -> str:
    """The place of a file.

    Args:
        path: From the root of the tree.
        name: Of the program, as which its loader is executed.
    """
    if path == INTERPRETER:
        return "bin/interpreter"
    if path.is_relative_to(PREFIX):
        return str(path.relative_to(PREFIX))
    # What only a loader looks for lies in one folder.
    return f"run/{name}" if path.name.startswith("ld-") else f"lib/{path.name}"
