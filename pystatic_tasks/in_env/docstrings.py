"""Which modules of a program keep their docstrings: those of whoever reads some.

Bytecode of optimization level 2 has none, and some programs show them, as help of a command or as descriptions of an
API. Code that reads docstrings reads its own, and those of the target that hands its functions and classes over to it.
"""

from __future__ import annotations

import ast
import importlib.metadata
import re
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from .layer_assignment import RUNNER
from .protocol import TocEntry

DOCSTRING = "__doc__"
# By which `inspect` reads one.
READER = "getdoc"
WORDS = re.compile(rb"\b(__doc__|getdoc)\b")
PROJECT = ""


def documented(modules: Iterable[TocEntry], owners: Mapping[str, str], targets: Container[str]) -> set[str]:
    """Names of the modules that keep their docstrings.

    Args:
        modules: Those of a program, and its scripts.
        owners: Whose each source is, by its path: the name of a distribution, or `PROJECT`. The standard library and
            whatever else is not in here keeps none.
        targets: Names of the modules that the entry script calls.
    """
    owned = [(name, Path(source), owners[source]) for name, source, _ in modules if source in owners]
    readers = {owner for _, source, owner in owned if source.suffix == ".py" and reads_docstrings(source.read_bytes())}
    if not readers:
        return set()
    keepers = {PROJECT, *readers, *(owner for name, _, owner in owned if name in targets)}
    return {name for name, _, owner in owned if owner in keepers}


def owners_of(own: Mapping[str, Path], by_file: Mapping[str, importlib.metadata.Distribution]) -> dict[str, str]:
    """Whose each source is, by its path.

    Args:
        own: The project's files by the names under which they are imported, and ours.
        by_file: The distributions of installed files.
    """
    installed = {path: distribution.metadata["Name"] for path, distribution in by_file.items()}
    return {**installed, **{str(path): PROJECT for name, path in own.items() if Path(name).parts[0] != RUNNER}}


def imported(source: bytes) -> set[str]:
    """The modules that code imports."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def level(optimize: int, *, documented: bool) -> int:
    """The level of optimization for a module: the highest at which docstrings are kept, if they are to be."""
    return min(optimize, 1) if documented else optimize


def reads_docstrings(source: bytes) -> bool:
    """Whether code does anything with a docstring but hand it on to another object."""
    if not WORDS.search(source):
        return False
    try:
        todo: list[ast.AST] = [ast.parse(source)]
    except (SyntaxError, ValueError):
        return False
    while todo:
        node = todo.pop()
        if is_reading(node):
            return True
        if not is_handing_on(node):
            todo += ast.iter_child_nodes(node)
    return False


def is_reading(node: ast.AST) -> bool:
    """Whether it is `x.__doc__`, `__doc__`, `getattr(x, "__doc__")` or `inspect.getdoc`."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "getattr" and names_docstring(node)
    if isinstance(node, ast.Attribute):
        return node.attr in (DOCSTRING, READER) and isinstance(node.ctx, ast.Load)
    return isinstance(node, ast.Name) and node.id in (DOCSTRING, READER) and isinstance(node.ctx, ast.Load)


def is_handing_on(node: ast.AST) -> bool:
    """Whether it only gives a docstring to another object, as decorators do, or is left out of bytecode."""
    if isinstance(node, ast.Assign):
        return all(map(is_docstring, node.targets))
    if isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        return is_docstring(node.target)
    if isinstance(node, ast.keyword):
        return node.arg in ("doc", DOCSTRING) and isinstance(node.value, ast.Attribute)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "setattr" and names_docstring(node)
    if isinstance(node, ast.If):
        return all(map(is_handing_on, [*node.body, *node.orelse]))
    if isinstance(node, ast.Expr):
        return is_handing_on(node.value)
    return isinstance(node, ast.Assert)


def is_docstring(target: ast.AST) -> bool:
    """Whether an assignment is one to `x.__doc__`, `__doc__` or `x["__doc__"]`."""
    if isinstance(target, ast.Subscript):
        return is_name(target.slice)
    return DOCSTRING in (getattr(target, "attr", ""), getattr(target, "id", ""))


def names_docstring(call: ast.Call) -> bool:
    return len(call.args) > 1 and is_name(call.args[1])


def is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == DOCSTRING
