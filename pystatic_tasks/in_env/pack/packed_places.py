"""Maps the files of a tree to the folder that the launcher creates."""

from __future__ import annotations

from pathlib import Path

from ..freeze.tree import INTERPRETER, PREFIX

# The script that the launcher runs with the interpreter.
LAUNCHED = "launched.pyc"


def place_of(path: Path, name: str) -> str:
    """The path of a file in the launcher's folder.

    Args:
        path: Its path from the root of the tree.
        name: Name of the program, under which the loader is executed.
    """
    if path == INTERPRETER:
        return "bin/interpreter"
    if path.is_relative_to(PREFIX):
        return str(path.relative_to(PREFIX))
    # Libraries that only the loader looks for go into one folder.
    return f"run/{name}" if path.name.startswith("ld-") else f"lib/{path.name}"
