"""Which path to ask an application for first, and which for its health."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pystatic_tasks.init.modules import keyword, statements

REDIRECTS = {"redirect": 302, "HttpResponseRedirect": 302, "RedirectResponse": 307}
GUARDS = re.compile(r"login|auth|permission|required|secur", re.IGNORECASE)
# Names that are clear anywhere, then those that are clear only right below the root.
HEALTH_ANYWHERE = ("health", "healthz", "healthcheck", "livez")
HEALTH_NAMES = (*HEALTH_ANYWHERE, "live", "alive", "ping", "heartbeat", "status", "up")
# All that a path without parameters is made of.
PLAIN_PATH = re.compile(r"/[\w./~-]*", re.ASCII)
# What frameworks give to a handler by themselves.
GIVEN = re.compile(r"\b(self|request|Request|Response|BackgroundTasks)\b")


@dataclass(frozen=True, kw_only=True)
class Route:
    """A path that answers GET.

    Attributes:
        path: The whole path.
        status: What it answers with, as far as its code says.
        is_plain: Whether it asks for nothing: no login, no arguments.
    """

    path: str
    status: int = 200
    is_plain: bool = True

    @property
    def answers(self) -> bool:
        return self.is_plain and self.status == 200


@dataclass(frozen=True, kw_only=True)
class Routes:
    """The routes without parameters that are known, and whether "/" may be served by others."""

    known: Sequence[Route] = ()
    may_serve_root: bool = True

    @property
    def health(self) -> str:
        """The path that tells the service's health, or ""."""
        found = [each.path for each in self.known if each.answers and is_health(each.path)]
        return min(found, key=lambda path: (path.count("/"), HEALTH_NAMES.index(last_part(path))), default="")

    @property
    def first(self) -> Route | None:
        """What to ask for first, if "/" is not to be asked for."""
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
    """The routes of whole paths: None for a path that the code does not say, no route for what is not known."""
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
        function: The handler, None if it was not found.
        asks_by_arguments: Whether the framework fills its parameters from the query.
    """
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return Route(path="")
    guarded = any(GUARDS.search(ast.unparse(each)) for each in function.decorator_list)
    asked = asks_by_arguments and any(not GIVEN.search(ast.unparse(each)) for each in required(function.args))
    return Route(path="", status=status_of(function), is_plain=not guarded and not asked)


def required(arguments: ast.arguments) -> list[ast.arg]:
    """The parameters without a default; what depends on something counts too, since that may ask for a login."""
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [*zip(positional, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return [each for each, default in pairs if default is None or "Depends" in ast.unparse(default)]


def status_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The status of a redirection, if a handler does nothing else."""
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
