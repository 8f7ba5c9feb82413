"""Reads what PyInstaller's analysis depends on in a module: its imports, and rarely more.

As long as this stays the same for all modules of a project, so does the result of the analysis.
"""

from __future__ import annotations

import dis
import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

# PyInstaller searches modules that import these for more: names of libraries and of distributions.
READ_WHOLE = {"ctypes", "importlib", "importlib_metadata", "pkg_resources"}


@dataclass(frozen=True)
class Reading:
    """What the analysis depends on in a module.

    Attributes:
        imports: Triples of module, names and level, in order.
        names: Global names, which decide whether `from package import name` means a module.
        whole: A hash of the source if the analysis depends on all of it; otherwise "".
    """

    imports: tuple[tuple[Any, ...], ...]
    names: tuple[str, ...]
    whole: str


def read_modules(modules: Mapping[str, Path]) -> dict[str, Any]:
    """What the analysis depends on in all modules of a project, by the names of their files."""
    readings = {name: read_module(path.read_bytes()) for name, path in modules.items()}
    # Only names of packages matter, unless some module imports all names of another.
    uses_stars = any("*" in (names or ()) for each in readings.values() for _, names, _ in each.imports)
    return {
        name: [each.imports, each.whole, each.names if uses_stars or name.endswith("__init__.py") else ()]
        for name, each in readings.items()
    }


def read_module(source: bytes) -> Reading:
    whole = hashlib.sha256(source).hexdigest()
    try:
        code = compile(source, "<module>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return Reading((), (), whole)
    imports, names = [], set()
    for before, instruction in instructions(code):
        if instruction.opname == "IMPORT_NAME":
            level, wanted = (each.argval for each in before)
            imports.append((instruction.argval, wanted, level))
        elif instruction.opname in ("STORE_NAME", "STORE_GLOBAL"):
            names.add(instruction.argval)
    is_read_whole = any(name.partition(".")[0] in READ_WHOLE for name, _, _ in imports)
    return Reading(tuple(imports), tuple(sorted(names)), whole if is_read_whole else "")


def instructions(code: CodeType) -> Iterator[tuple[tuple[dis.Instruction, ...], dis.Instruction]]:
    """Each instruction of the code and of all nested code, with the two instructions before it."""
    before: deque[dis.Instruction] = deque(maxlen=2)
    for instruction in dis.get_instructions(code):
        if instruction.opname != "EXTENDED_ARG":
            yield tuple(before), instruction
            before.append(instruction)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from instructions(constant)
