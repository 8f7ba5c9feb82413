"""Finds the modules that keep their docstrings because code reads them.

Bytecode of optimization level 2 has no docstrings, but some programs show them, as the help of a command or the
description of an API. Code may read docstrings of its own distribution (`__doc__`, `self.__doc__`), or of objects that
are passed to it: functions and classes of the project, and of the target if that belongs to another distribution.
"""

from __future__ import annotations

import ast
import importlib.metadata
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

from ..installed.layer_assignment import RUNNER
from ..protocol import TocEntry

DOCSTRING = "__doc__"
# The function of `inspect` that reads docstrings.
READER = "getdoc"
WORDS = re.compile(rb"\b(__doc__|getdoc)\b")
# Whether code reads its own docstrings or those of others.
OWN, OTHERS = "own", "others"
PROJECT = ""


def documented(modules: Iterable[TocEntry], owners: Mapping[str, str], targets: Container[str]) -> set[str]:
    """Names of the modules that keep their docstrings.

    Args:
        modules: The modules and scripts of a program.
        owners: The owner of each source, by its path: the name of a distribution, or `PROJECT`. Sources that are
            missing here, such as the standard library, keep no docstrings.
        targets: Names of the modules that the entry script imports.
    """
    owned = [(name, Path(source), owners[source]) for name, source, _ in modules if source in owners]
    sources = [(source, owner) for _, source, owner in owned if source.suffix == ".py"]
    found = {(owner, whose) for source, owner in sources for whose in readings(source.read_bytes())}
    if not found:
        return set()
    keepers = {PROJECT, *(owner for owner, whose in found if whose == OWN)}
    keepers.update(owner for name, _, owner in owned if name in targets)
    return {name for name, _, owner in owned if owner in keepers}


def owners_of(own: Mapping[str, Path], by_file: Mapping[str, importlib.metadata.Distribution]) -> dict[str, str]:
    """The owner of each source, by its path.

    Args:
        own: The files of the project and of the runner, by the names under which they are imported.
        by_file: The distributions of installed files.
    """
    # `metadata` reads the file on every access.
    names = {distribution: distribution.metadata["Name"] for distribution in set(by_file.values())}
    installed = {path: names[distribution] for path, distribution in by_file.items()}
    return {**installed, **{str(path): PROJECT for name, path in own.items() if Path(name).parts[0] != RUNNER}}


def imported(source: bytes) -> set[str]:
    """The modules that code imports."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def level(optimize: int, *, documented: bool) -> int:
    """The optimization level for a module: at most 1 if it keeps its docstrings."""
    return min(optimize, 1) if documented else optimize


def readings(source: bytes) -> set[str]:
    """Whose docstrings the code uses, except to copy them to another object: `OWN`, `OTHERS`."""
    if not WORDS.search(source):
        return set()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    # If the code defines the name itself, it does not mean the module's docstring.
    is_taken = any(map(is_definition, ast.walk(tree)))
    nodes = (node for node in nodes_in_use(tree) if not (is_taken and isinstance(node, ast.Name)))
    return {reading(node) for node in nodes} - {""}


def nodes_in_use(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of code, without those that only copy a docstring."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if is_handing_on(node):
            continue
        yield node
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            todo += [value for key, value in pairs if key is None or not is_name(key)]
        else:
            todo += ast.iter_child_nodes(node)


def reading(node: ast.AST) -> str:
    """Whose docstring `__doc__`, `x.__doc__`, `x["__doc__"]`, `getattr(x, "__doc__")` or `getdoc(x)` reads; or ""."""
    if isinstance(node, ast.Subscript):
        # Metaclasses read the namespace of a class before the class exists.
        return OWN if is_name(node.slice) and isinstance(node.ctx, ast.Load) else ""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        is_reader = name == READER or (name == "getattr" and names_docstring(node))
        return whose(node.args[0]) if is_reader and node.args else ""
    if isinstance(node, ast.Attribute):
        return whose(node.value) if node.attr == DOCSTRING and isinstance(node.ctx, ast.Load) else ""
    if isinstance(node, ast.alias):
        return OWN if node.name == DOCSTRING and node.asname not in (None, DOCSTRING) else ""
    is_modules = isinstance(node, ast.Name) and node.id == DOCSTRING and isinstance(node.ctx, ast.Load)
    return OWN if is_modules else ""


def whose(value: ast.AST) -> str:
    """`OWN` for `self`, `self.__class__` and `type(self)`, otherwise `OTHERS`."""
    if isinstance(value, ast.Attribute) and value.attr == "__class__":
        return whose(value.value)
    if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "type" and value.args:
        return whose(value.args[0])
    return OWN if getattr(value, "id", "") == "self" else OTHERS


def is_definition(node: ast.AST) -> bool:
    """Whether it defines a function or an argument named `__doc__`."""
    if isinstance(node, ast.arg):
        return node.arg == DOCSTRING
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == DOCSTRING


def is_handing_on(node: ast.AST) -> bool:
    """Whether it only copies a docstring to another object, as decorators do, or is not in the bytecode."""
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
    """Whether an assignment target is `x.__doc__`, `__doc__` or `x["__doc__"]`."""
    if isinstance(target, ast.Subscript):
        return is_name(target.slice)
    return DOCSTRING in (getattr(target, "attr", ""), getattr(target, "id", ""))


def names_docstring(call: ast.Call) -> bool:
    return len(call.args) > 1 and is_name(call.args[1])


def is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == DOCSTRING
