"""Reads what PyInstaller's analysis depends on in a module: its imports, and rarely more.

As long as this stays the same for all modules of a project, so does the result of the analysis.
"""

from __future__ import annotations

import ast
import dis
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import CodeType
from typing import Any

SETTING = frozenset(map(dis.opmap.__getitem__, ("STORE_NAME", "STORE_GLOBAL")))
DELETING = frozenset(map(dis.opmap.__getitem__, ("DELETE_NAME", "DELETE_GLOBAL")))
# Where statements contain others, in their order.
BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
PACKAGE = "__init__"


@dataclass(frozen=True)
class Reading:
    """What the analysis may depend on in a module.

    Attributes:
        imports: Triples of module, names and level, in order.
        names: Global names, which decide whether `from package import name` means a module.
        whole: A hash of the source.
        is_readable: Whether the source can be compiled; otherwise the analysis depends on all of it.
    """

    imports: tuple[tuple[str, tuple[str, ...] | None, int], ...]
    names: tuple[str, ...]
    whole: str
    is_readable: bool = True


def read_modules(modules: Mapping[str, Path]) -> dict[str, Reading]:
    """What the analysis may depend on in all modules of a project, by the names of their files."""
    return {name: read_module(path.read_bytes()) for name, path in modules.items()}


def decisive(readings: Mapping[str, Reading], searched: Iterable[str], hooked: Iterable[str]) -> dict[str, Any]:
    """What an analysis does depend on, as JSON.

    Args:
        readings: What was read of the project's modules.
        searched: Names of modules; PyInstaller and its hooks search whatever imports these for more, such as names of
            libraries and of distributions.
        hooked: Names of modules with hooks, which may read anything of them.
    """
    tops, with_hooks = set(map(top_of, searched)), set(map(top_of, hooked))

    def is_read_whole(file: str, reading: Reading) -> bool:
        return own_top(file) in with_hooks or not tops.isdisjoint(imported_by(file, reading))

    # Only names of packages matter, unless some module imports all names of another.
    uses_stars = any("*" in (names or ()) for each in readings.values() for _, names, _ in each.imports)
    return {
        name: [
            each.imports,
            each.whole if not each.is_readable or is_read_whole(name, each) else "",
            each.names if uses_stars or PurePath(name).stem == PACKAGE else (),
        ]
        for name, each in readings.items()
    }


def imported_by(file: str, reading: Reading) -> set[str]:
    """The top-level packages that a module imports from."""
    return {own_top(file) if level else top_of(name) for name, _, level in reading.imports}


def own_top(file: str) -> str:
    """The top-level package of a module, or the module itself, from the name of its file."""
    return PurePath(file).with_suffix("").parts[0]


def top_of(module: str) -> str:
    return module.partition(".")[0]


def read_module(source: bytes) -> Reading:
    whole = hashlib.sha256(source).hexdigest()
    try:
        tree = ast.parse(source)
        code = compile(tree, "<module>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return Reading((), (), whole, is_readable=False)
    names = set[str]()
    for name, is_set in changed_names(code):
        (names.add if is_set else names.discard)(name)
    return Reading(tuple(imports(tree)), tuple(sorted(names)), whole)


def imports(tree: ast.Module) -> Iterator[tuple[str, tuple[str, ...] | None, int]]:
    """The import statements, even those that are never reached and therefore not in the code."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from ((each.name, None, 0) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", tuple(each.name for each in node.names), node.level
        else:
            todo += reversed([each for block in BLOCKS for each in getattr(node, block, ())])


def changed_names(code: CodeType) -> Iterator[tuple[str, bool]]:
    """The global names that code and nested code set or delete; True if the name is set."""
    operations, arguments = code.co_code[::2], code.co_code[1::2]
    if not (SETTING | DELETING).isdisjoint(operations):
        index = 0
        for operation, low in zip(operations, arguments, strict=True):
            index = index << 8 | low
            if operation in SETTING or operation in DELETING:
                yield code.co_names[index], operation in SETTING
            if operation != dis.EXTENDED_ARG:
                index = 0
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from changed_names(constant)
