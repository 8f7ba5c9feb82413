"""Chooses which path of an application to request first, and which for its health."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pystatic_tasks.init.modules import keyword, statements

REDIRECTS = {"redirect": 302, "HttpResponseRedirect": 302, "RedirectResponse": 307}
GUARDS = re.compile(r"login|auth|permission|required|secur", re.IGNORECASE)
# Names that are clear anywhere, then those that are clear only directly below the root.
HEALTH_ANYWHERE = ("health", "healthz", "healthcheck", "livez")
HEALTH_NAMES = (*HEALTH_ANYWHERE, "live", "alive", "ping", "heartbeat", "status", "up")
# The characters of a path without parameters.
PLAIN_PATH = re.compile(r"/[\w./~-]*", re.ASCII)
# Arguments that frameworks pass to a handler by themselves.
GIVEN = re.compile(r"\b(self|request|Request|Response|BackgroundTasks)\b")


@dataclass(frozen=True, kw_only=True)
class Route:
    """A path that answers GET.

    Attributes:
        path: The whole path.
        status: The status of its answer, as far as its code shows.
        is_plain: Whether it needs neither a login nor arguments.
    """

    path: str
    status: int = 200
    is_plain: bool = True

    @property
    def answers(self) -> bool:
        return self.is_plain and self.status == 200


@dataclass(frozen=True, kw_only=True)
class Routes:
    """The known routes without parameters, and whether an unknown route may serve "/"."""

    known: Sequence[Route] = ()
    may_serve_root: bool = True

    @property
    def health(self) -> str:
        """The path that reports the service's health, or ""."""
        found = [each.path for each in self.known if each.answers and is_health(each.path)]
        return min(found, key=lambda path: (path.count("/"), HEALTH_NAMES.index(last_part(path))), default="")

    @property
    def first(self) -> Route | None:
        """What to request first; None for "/"."""
        root = next((each for each in self.known if each.path == "/"), None)
        if (root and root.answers) or (root is None and self.may_serve_root):
            return None
        others = [each for each in self.known if each.answers and each.path != "/"]
        if others:
            return next((each for each in others if each.path == self.health), others[0])
        return root if root and root.is_plain else None


def last_part(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def is_health(path: str) -> bool:
    is_short = path.strip("/").count("/") == 0
    return last_part(path) in (HEALTH_NAMES if is_short else HEALTH_ANYWHERE)


def gathered(found: Iterable[tuple[str | None, Route | None]]) -> Routes:
    """The routes of full paths; a path is None if the code does not show it, a route if nothing is known about it."""
    known: dict[str, Route] = {}
    may_serve_root = False
    for path, route in found:
        if path is not None and route and PLAIN_PATH.fullmatch(path or "/"):
            known.setdefault(path or "/", replace(route, path=path or "/"))
        elif path is None or may_be_root(path):
            may_serve_root = True
    return Routes(known=list(known.values()), may_serve_root=may_serve_root)


def may_be_root(path: str) -> bool:
    """Whether a path, with its parameters, can be "/": `/{rest:path}` can, `/{name}` cannot."""
    return path in ("", "/") or re.fullmatch(r"/?(\{\w+:path\}|\*\w+)", path) is not None


def handled(function: ast.AST | None, *, asks_by_arguments: bool) -> Route:
    """What a function answers with, without its path.

    Args:
        function: The handler; None if it was not found.
        asks_by_arguments: Whether the framework fills its parameters from the query.
    """
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return Route(path="")
    guarded = any(GUARDS.search(ast.unparse(each)) for each in function.decorator_list)
    asked = asks_by_arguments and any(not GIVEN.search(ast.unparse(each)) for each in required(function.args))
    return Route(path="", status=status_of(function), is_plain=not guarded and not asked)


def required(arguments: ast.arguments) -> list[ast.arg]:
    """The parameters without a default, and those with `Depends`, which may require a login."""
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [*zip(positional, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return [each for each, default in pairs if default is None or "Depends" in ast.unparse(default)]


def status_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The status of a redirection, if a handler does nothing else; otherwise 200."""
    returned = [each.value for each in statements(function.body) if isinstance(each, ast.Return)]
    found = {redirect_status(each) for each in returned}
    return found.pop() if len(found) == 1 else 200


def redirect_status(node: ast.expr | None) -> int:
    if not isinstance(node, ast.Call):
        return 200
    name = ast.unparse(node.func).rpartition(".")[2]
    given = keyword(node, "code", "status_code")
    if name in REDIRECTS and isinstance(given, ast.Constant) and isinstance(given.value, int):
        return given.value
    return REDIRECTS.get(name, 200)
