"""Which modules of a program keep their docstrings: those whose docstrings something reads.

Bytecode of optimization level 2 has none, and some programs show them, as help of a command or as descriptions of an
API. Code may read docstrings of its own distribution (`__doc__`, `self.__doc__`), or those of objects that are handed
over to it: functions and classes of the project, and of the target where that is another's.
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
# By which `inspect` reads one.
READER = "getdoc"
WORDS = re.compile(rb"\b(__doc__|getdoc)\b")
# Whose docstrings code reads.
OWN, OTHERS = "own", "others"
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
    sources = [(source, owner) for _, source, owner in owned if source.suffix == ".py"]
    found = {(owner, whose) for source, owner in sources for whose in readings(source.read_bytes())}
    if not found:
        return set()
    keepers = {PROJECT, *(owner for owner, whose in found if whose == OWN)}
    keepers.update(owner for name, _, owner in owned if name in targets)
    return {name for name, _, owner in owned if owner in keepers}


def owners_of(own: Mapping[str, Path], by_file: Mapping[str, importlib.metadata.Distribution]) -> dict[str, str]:
    """Whose each source is, by its path.

    Args:
        own: The project's files by the names under which they are imported, and ours.
        by_file: The distributions of installed files.
    """
    # Each time that it is asked for, metadata is read anew.
    names = {distribution: distribution.metadata["Name"] for distribution in set(by_file.values())}
    installed = {path: names[distribution] for path, distribution in by_file.items()}
    return {**installed, **{str(path): PROJECT for name, path in own.items() if Path(name).parts[0] != RUNNER}}


def imported(source: bytes) -> set[str]:
    """The modules that code imports."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def level(optimize: int, *, documented: bool) -> int:
    """The level of optimization for a module: the highest at which docstrings are kept, if they are to be."""
    return min(optimize, 1) if documented else optimize


def readings(source: bytes) -> set[str]:
    """Whose docstrings code does something with, other than to hand them on to another object: `OWN`, `OTHERS`."""
    if not WORDS.search(source):
        return set()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    # A name that the code gives to something else is no module's docstring.
    is_taken = any(map(is_definition, ast.walk(tree)))
    nodes = (node for node in nodes_in_use(tree) if not (is_taken and isinstance(node, ast.Name)))
    return {reading(node) for node in nodes} - {""}


def nodes_in_use(tree: ast.AST) -> Iterator[ast.AST]:
    """The parts of code that do more than to hand a docstring on."""
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
    """Whose docstring it is, of `__doc__`, `x.__doc__`, `x["__doc__"]`, `getattr(x, "__doc__")`, `getdoc(x)`; or ""."""
    if isinstance(node, ast.Subscript):
        # Metaclasses look into the namespace of a class before it is one.
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
    """Whether an object is the code's own: `self`, `self.__class__` or `type(self)`."""
    if isinstance(value, ast.Attribute) and value.attr == "__class__":
        return whose(value.value)
    if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "type" and value.args:
        return whose(value.args[0])
    return OWN if getattr(value, "id", "") == "self" else OTHERS


def is_definition(node: ast.AST) -> bool:
    """Whether it is a function or an argument that is called `__doc__`."""
    if isinstance(node, ast.arg):
        return node.arg == DOCSTRING
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == DOCSTRING


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
