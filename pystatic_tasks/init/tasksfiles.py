"""Adds our tasks to a tasks.py of Invoke, and keeps everything else unchanged."""

from __future__ import annotations

import ast
from pathlib import Path

from pystatic_tasks.init.modules import Module, keyword, literal
from pystatic_tasks.init.source import read_module, with_import, with_last
from pystatic_tasks.steps.table import STEPS

OURS = "pystatic_tasks.tasks"
BELOW = "pystatic"
# The names that Invoke looks for, in this order.
COLLECTION_NAMES = ("ns", "namespace")


def imports_invoke(module: Module) -> bool:
    return any(each.partition(".")[0] == "invoke" for each in module.imports.values())


def own_tasks(module: Module) -> set[str]:
    """Names of tasks, as Invoke shows them."""
    found = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef):
            for each in node.decorator_list:
                called = each.func if isinstance(each, ast.Call) else each
                if module.dotted(called).rpartition(".")[2] == "task":
                    given = literal(keyword(each, "name")) if isinstance(each, ast.Call) else None
                    found.add((given or node.name).replace("_", "-"))
    return found


def with_tasks(path: Path, text: str) -> tuple[str, str]:
    """The text of a tasks.py with our tasks added, and the prefix of their names in Invoke.

    If it has its own collection, or tasks with the names of ours, ours go into a collection below that.
    """
    module = read_module(path, text)
    collection = next((name for name in COLLECTION_NAMES if name in module.bound), None)
    if OURS in imported(module):
        return text, f"{BELOW}." if f'name="{BELOW}"' in text else ""
    below = f'add_collection({OURS}.collection(), name="{BELOW}")'
    if collection:
        lines, prefix = [f"{collection}.{below}"], f"{BELOW}."
    elif own_tasks(module) & set(STEPS):
        lines = ["namespace = Collection.from_module(sys.modules[__name__])", f"namespace.{below}"]
        prefix = f"{BELOW}."
        text = with_import(path, text, "import sys", "sys")
        text = with_import(path, text, "from invoke import Collection", "invoke")
    else:
        lines, prefix = [f"namespace = {OURS}.collection(globals())"], ""
    return with_last(path, with_import(path, text, f"import {OURS}", "invoke"), lines), prefix


def imported(module: Module) -> set[str]:
    """The modules that are imported, or that something is imported from."""
    found: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found
