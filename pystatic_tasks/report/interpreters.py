"""Recognizes interpreters that are larger than necessary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from pystatic_tasks.in_env.protocol import Part
from pystatic_tasks.system.units import megabytes

LARGE_INTERPRETER_BYTES = 15_000_000


def large_interpreter(name: str, size_bytes: int) -> tuple[str, str]:
    """A remark about an interpreter, or its library, above `LARGE_INTERPRETER_BYTES`, and what to do about it."""
    return (
        f"{name} alone is {megabytes(size_bytes)}, as is usual for python-build-standalone",
        "a distribution's or pyenv's Python makes a smaller image",
    )


def large_interpreters(contents: Iterable[Part]) -> Iterator[tuple[str, int]]:
    """Name and size, in bytes, of each interpreter or its library that is larger than necessary."""
    for part in contents:
        name = PurePosixPath(part.name).name
        is_interpreter = part.kind == "binary" and name.startswith(("libpython", "python3."))
        if is_interpreter and part.size_bytes > LARGE_INTERPRETER_BYTES:
            yield name, part.size_bytes
