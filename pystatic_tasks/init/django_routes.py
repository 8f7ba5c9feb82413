"""Reads the routes of a Django project: its `urlpatterns`, starting with the module that the settings name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pystatic_tasks.init.hints import setting_of
from pystatic_tasks.init.modules import Code, Module, literal
from pystatic_tasks.init.routes import Route, Routes, gathered, handled

PATHS = {"django.urls.path", "django.urls.conf.path"}
PATTERNS = {"django.urls.re_path", "django.urls.conf.re_path", "django.conf.urls.url"}
INCLUDES = {"django.urls.include", "django.urls.conf.include", "django.conf.urls.include"}
ADMIN = "django.contrib.admin.site.urls"
DEEPEST = 6
Found = Iterator[tuple[str | None, Route | None]]


def django_routes(code: Code) -> Routes:
    """The routes in the settings' ROOT_URLCONF and its includes; the admin's login comes last."""
    named = (setting_of(module, "ROOT_URLCONF") for module in code.modules.values())
    root = code.modules.get(next(filter(None, named), ""))
    if root is None:
        return Routes()
    found = list(paths_in(code, root, "/", DEEPEST))
    return gathered(sorted(found, key=lambda each: bool(each[0] and each[0].endswith("/login/"))))


def paths_in(code: Code, module: Module, before: str, depth: int) -> Found:
    """The paths in a module's `urlpatterns`."""
    for node in patterns_of(module.tree) if depth else ():
        kind = code.origin(module.dotted(node.func))
        if kind not in PATHS | PATTERNS or len(node.args) < 2:
            # Another function makes patterns; those of static files are not below "/".
            if not kind.endswith("static.static"):
                yield None, None
            continue
        path = literal(node.args[0])
        if path is not None and kind in PATTERNS:
            path = plain_pattern(path)
        yield from paths_of_view(code, module, None if path is None else before + path, node.args[1], depth)


def patterns_of(tree: ast.Module) -> Iterator[ast.Call]:
    """The calls in the lists that `urlpatterns` consists of."""
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = [each.id for each in targets if isinstance(each, ast.Name)]
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and "urlpatterns" in names and node.value:
            yield from calls_in(node.value)


def calls_in(node: ast.expr) -> Iterator[ast.Call]:
    if isinstance(node, (ast.List, ast.Tuple)):
        for each in node.elts:
            yield from calls_in(each)
    elif isinstance(node, ast.BinOp):
        yield from calls_in(node.left)
        yield from calls_in(node.right)
    elif isinstance(node, ast.Call):
        yield node


def plain_pattern(pattern: str) -> str:
    """The path that a regular expression stands for, or the expression itself, which equals no plain path."""
    path = pattern.removeprefix("^").removesuffix("$")
    return path if re.fullmatch(r"[\w/-]*", path) else pattern


def paths_of_view(code: Code, module: Module, path: str | None, view: ast.expr, depth: int) -> Found:
    name = code.origin(module.dotted(view))
    if name == ADMIN and path is not None:
        yield f"{path}login/", Route(path="")
    elif isinstance(view, ast.Call) and code.origin(module.dotted(view.func)) in INCLUDES:
        yield from included(code, module, path, view, depth)
    else:
        _, nodes = code.find(name) if name else (None, ())
        yield path, handled(next(iter(nodes), None), asks_by_arguments=False)


def included(code: Code, module: Module, path: str | None, call: ast.Call, depth: int) -> Found:
    argument = call.args[0] if call.args else None
    if isinstance(argument, ast.Tuple) and argument.elts:
        argument = argument.elts[0]
    name = literal(argument) or code.origin(module.dotted(argument))
    inner = code.modules.get(name)
    if inner is None or path is None:
        # The included module is not part of the project.
        yield path, None
    else:
        yield from paths_in(code, inner, path, depth - 1)
