"""Finds routes that code declares with decorators and calls, for all frameworks but Django."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pystatic_tasks.init.modules import Code, Module, assigned, keyword, literal
from pystatic_tasks.init.routes import Route, Routes, gathered, handled
from pystatic_tasks.init.targets import CONSTRUCTORS, Candidate, Scope, annotation, framework_of

ROUTERS = {
    *("flask.Blueprint", "quart.Blueprint", "apiflask.APIBlueprint"),
    *("fastapi.APIRouter", "fastapi.routing.APIRouter"),
}
VERBS = {"get", "route", "api_route"}
BARE_DECORATORS = {"bottle.get", "bottle.route", "litestar.get"}
ROUTE_CALLS = {"starlette.routing.Route", "fastapi.routing.APIRoute"}
MOUNT_CALLS = {"starlette.routing.Mount", "starlette.routing.Host"}
INCLUDES = {"register_blueprint", "include_router"}
# Calls that serve unknown paths.
OTHER_CALLS = {"add_resource", "add_namespace", "add_api", "add_sink", "add_static_route"}
APP_PARAMETERS = {"app", "application", "api"}
APP = "the application"
DEEPEST = 6


@dataclass(frozen=True, kw_only=True)
class Owner:
    """What routes are declared on: a router, or an application; all applications count as one."""

    name: str
    prefix: str | None = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something below an owner: a route, another router, or neither if nothing is known about it.

    Attributes:
        below: Name of the owner.
        path: Its path below the owner; None if the code does not show it.
        route: The route, if it is one.
        router: The other router.
        replaces: Whether `path` replaces the other router's own prefix.
    """

    below: str
    path: str | None
    route: Route | None = None
    router: Owner | None = None
    replaces: bool = False


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads the routes of one module."""

    code: Code
    module: Module
    owners: Mapping[str, Owner]
    parameters: frozenset[str]
    framework: str

    def origin(self, node: ast.AST) -> str:
        return self.code.origin(self.module.dotted(node))

    def owner(self, node: ast.AST) -> Owner | None:
        """The application or router that an expression stands for."""
        name = self.origin(node)
        if name not in self.owners and isinstance(node, ast.Name) and node.id in self.parameters:
            return Owner(name=APP)
        return self.owners.get(name)


def declared_routes(code: Code, chosen: Candidate) -> Routes:
    """The routes of an application; all applications of the project count as one."""
    owners: dict[str, Owner] = {}
    for module in code.modules.values():
        owners.update(owners_in(code, module))
    parts: list[Part] = []
    for module in (chosen.module, *(each for each in code.modules.values() if each is not chosen.module)):
        reader = Reader(
            code=code,
            module=module,
            owners=owners,
            parameters=app_parameters(code, module),
            framework=chosen.framework,
        )
        parts += parts_in(reader)
    found = list(whole_paths(parts, APP, ""))
    if chosen.framework == "FastAPI" and not any(hides_schema(each) for each in code.modules.values()):
        found.append(("/openapi.json", Route(path="")))
    return gathered(found)


def hides_schema(module: Module) -> bool:
    """Whether a FastAPI application serves its schema elsewhere or not at all."""
    return any(isinstance(node, ast.Call) and keyword(node, "openapi_url") for node in ast.walk(module.tree))


def owners_in(code: Code, module: Module) -> Iterator[tuple[str, Owner]]:
    for node in ast.walk(module.tree):
        for name, value in assigned(node):
            key = f"{module.name}.{name}"
            if isinstance(value, ast.Call) and code.origin(module.dotted(value.func)) in ROUTERS:
                given = keyword(value, "url_prefix", "prefix")
                yield key, Owner(name=key, prefix=literal(given) if given else "")
            elif framework_of(code, Scope(module=module, local={}), value):
                yield key, Owner(name=APP)


def app_parameters(code: Code, module: Module) -> frozenset[str]:
    """Names of function parameters that are applications."""
    functions = (node for node in ast.walk(module.tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return frozenset(
        each.arg
        for function in functions
        for each in function.args.args
        if each.arg in APP_PARAMETERS or code.origin(module.dotted(annotation(each.annotation))) in CONSTRUCTORS
    )


def whole_paths(
    parts: Sequence[Part], below: str, before: str | None, depth: int = DEEPEST
) -> Iterator[tuple[str | None, Route | None]]:
    """The full path of everything below an owner; None for paths that the code does not show."""
    for part in parts if depth else ():
        if part.below != below:
            continue
        path = joined(before, part.path)
        if part.router is None:
            yield path, part.route
        else:
            inner = path if part.replaces else joined(path, part.router.prefix)
            yield from whole_paths(parts, part.router.name, inner, depth - 1)


def joined(before: str | None, path: str | None) -> str | None:
    return None if before is None or path is None else f"{before.rstrip('/')}{path}"


def parts_in(reader: Reader) -> Iterator[Part]:
    inner: set[ast.AST] = set()
    for node in ast.walk(reader.module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for each in node.decorator_list:
                yield from decorated(reader, each, node)
        elif isinstance(node, ast.ClassDef) and "litestar.Controller" in map(reader.origin, node.bases):
            yield Part(below=APP, path=None)
        elif isinstance(node, ast.Call) and node not in inner:
            if reader.origin(node.func) in ROUTE_CALLS | MOUNT_CALLS:
                yield from starlette_parts(reader, node, "")
                inner.update(ast.walk(node))
            else:
                yield from called(reader, node)


def decorated(reader: Reader, node: ast.expr, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Part]:
    """The route of a decorator, such as `@app.get("/")`."""
    if not isinstance(node, ast.Call):
        return
    is_bare = reader.origin(node.func) in BARE_DECORATORS
    verb = ast.unparse(node.func).rpartition(".")[2]
    if not is_bare and (verb not in VERBS or not isinstance(node.func, ast.Attribute)):
        return
    given = node.args[0] if node.args else keyword(node, "path", "rule")
    path = literal(given) if given else "/"
    owner = Owner(name=APP) if is_bare else reader.owner(node.func.value)  # type: ignore[attr-defined]
    if owner is None:
        # It may belong to an application that is made in code that was not read.
        if path and path.startswith("/"):
            yield Part(below=APP, path=path)
    elif answers_get(node):
        route = handled(function, asks_by_arguments=reader.framework in ("FastAPI", "Litestar"))
        yield Part(below=owner.name, path=path, route=route)


def answers_get(call: ast.Call) -> bool:
    given = keyword(call, "methods", "method")
    return given is None or "GET" in ast.unparse(given).upper()


def called(reader: Reader, call: ast.Call) -> Iterator[Part]:
    """What a call declares, such as `app.add_route("/", Root())`."""
    if not isinstance(call.func, ast.Attribute):
        return
    name, first = call.func.attr, call.args[0] if call.args else None
    if name in INCLUDES:
        yield included(reader, call)
    elif name == "mount" and first is not None and reader.owner(call.func.value):
        yield Part(below=APP, path=literal(first))
    elif name == "add_url_rule":
        owner = reader.owner(call.func.value)
        path = literal(first or keyword(call, "rule"))
        yield Part(below=owner.name if owner else APP, path=path, route=Route(path="") if answers_get(call) else None)
    elif name == "add_route" and reader.framework == "Pyramid":
        yield Part(below=APP, path=literal(call.args[1] if len(call.args) > 1 else None), route=Route(path=""))
    elif name == "add_route" and reader.framework == "Falcon":
        yield Part(below=APP, path=literal(first), route=falcon_route(reader, call))
    elif name == "add_route":
        yield Part(below=APP, path=literal(first), route=Route(path="") if answers_get(call) else None)
    elif name in OTHER_CALLS:
        yield Part(below=APP, path=None)


def included(reader: Reader, call: ast.Call) -> Part:
    """A router that is included in an application or another router."""
    given = keyword(call, "url_prefix", "prefix")
    path = literal(given) if given else ""
    child = reader.owner(call.args[0]) if call.args else None
    parent = reader.owner(call.func.value) if isinstance(call.func, ast.Attribute) else None
    below = parent.name if parent else APP
    replaces = given is not None and "register" in ast.unparse(call.func)
    return Part(below=below, path=path, router=child, replaces=replaces)


def falcon_route(reader: Reader, call: ast.Call) -> Route | None:
    """The route of a Falcon resource; it counts as plain if its class has `on_get`."""
    resource = call.args[1] if len(call.args) > 1 else keyword(call, "resource")
    if isinstance(resource, ast.Name):
        values = (
            value for node in ast.walk(reader.module.tree) for name, value in assigned(node) if name == resource.id
        )
        resource = next(values, resource)
    if not isinstance(resource, ast.Call):
        return Route(path="", is_plain=False)
    _, nodes = reader.code.find(reader.origin(resource.func))
    methods = {each.name for node in nodes for each in getattr(node, "body", ()) if hasattr(each, "name")}
    return Route(path="", is_plain="on_get" in methods) if methods else Route(path="", is_plain=False)


def starlette_parts(reader: Reader, call: ast.Call, before: str) -> Iterator[Part]:
    """The parts of a `Route` or of a `Mount` with its inner routes."""
    given = call.args[0] if call.args else keyword(call, "path")
    path = joined(before, literal(given))
    if reader.origin(call.func) in ROUTE_CALLS:
        handler = call.args[1] if len(call.args) > 1 else keyword(call, "endpoint")
        _, nodes = reader.code.find(reader.origin(handler)) if handler else (None, ())
        route = handled(next(iter(nodes), None), asks_by_arguments=False)
        yield Part(below=APP, path=path, route=route if answers_get(call) else None)
        return
    routes = keyword(call, "routes")
    if path is None or not isinstance(routes, ast.List):
        yield Part(below=APP, path=path)
        return
    for each in routes.elts:
        if isinstance(each, ast.Call) and reader.origin(each.func) in ROUTE_CALLS | MOUNT_CALLS:
            yield from starlette_parts(reader, each, path)
