"""Finds WSGI and ASGI applications, and functions that make them, in a project's code."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pystatic_tasks.init.modules import DEFINITIONS, Code, Definition, Module, bound_names, literal, statements

# Calls that return an application.
CONSTRUCTORS = {
    "flask.Flask": "Flask",
    "flask.app.Flask": "Flask",
    "apiflask.APIFlask": "Flask",
    "quart.Quart": "Quart",
    "fastapi.FastAPI": "FastAPI",
    "fastapi.applications.FastAPI": "FastAPI",
    "starlette.applications.Starlette": "Starlette",
    "litestar.Litestar": "Litestar",
    "falcon.App": "Falcon",
    "falcon.API": "Falcon",
    "falcon.asgi.App": "Falcon",
    "bottle.Bottle": "Bottle",
    "bottle.default_app": "Bottle",
    "bottle.app": "Bottle",
    "blacksheep.Application": "BlackSheep",
    "connexion.FlaskApp": "Connexion",
    "connexion.AsyncApp": "Connexion",
    "django.core.wsgi.get_wsgi_application": "Django",
    "django.core.asgi.get_asgi_application": "Django",
    "channels.routing.ProtocolTypeRouter": "Django",
}
WSGI, ASGI = "WSGI callable", "ASGI callable"
UNKNOWN = "served according to the files beside the code"
PLAIN = {("environ", "start_response"): WSGI, ("scope", "receive", "send"): ASGI}
# Best first.
INSTANCE_NAMES = ("app", "application", "api", "server", "wsgi", "asgi", "wsgi_app", "asgi_app")
FACTORY_NAMES = ("create_app", "make_app", "get_app", "create_application", "get_application", "build_app")
MODULE_NAMES = ("wsgi", "asgi", "app", "application", "main", "web", "api", "server")
# Names that are often rebound when an application is wrapped.
WRAPPED_NAMES = {"app", "application", "wsgi", "asgi", "wsgi_app", "asgi_app"}
DEEPEST = 8
Hint = tuple[str, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Something that can be served.

    Attributes:
        module: The module that it is in.
        name: Its name there, or that of the function that makes it.
        is_factory: Whether it is such a function.
        framework: For the user, such as "Flask".
        line: Its line in the module's file.
    """

    module: Module
    name: str
    is_factory: bool
    framework: str
    line: int

    @property
    def target(self) -> str:
        return f"{self.module.name}:{self.name}{'()' if self.is_factory else ''}"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The scope of an expression: its module, and the names of the function around it."""

    module: Module
    local: Mapping[str, Sequence[ast.expr | Definition]]


def candidates(code: Code) -> list[Candidate]:
    """Everything that can be served, in the order of the modules' names."""
    return [each for name in sorted(code.modules) for each in candidates_in(code, code.modules[name])]


def candidates_in(code: Code, module: Module) -> Iterator[Candidate]:
    for name, nodes in module.bound.items():
        for node in nodes:
            framework, is_factory = served_by(code, module, name, node)
            if framework and not name.startswith("_"):
                line = node.lineno
                yield Candidate(module=module, name=name, is_factory=is_factory, framework=framework, line=line)
                break


def served_by(code: Code, module: Module, name: str, node: ast.expr | Definition) -> tuple[str, bool]:
    """The framework of what a name is bound to ("" if none is found), and whether it must be called first."""
    if isinstance(node, ast.ClassDef):
        return "", False
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        plain = plain_kind(node.args)
        if plain:
            return plain, False
        is_factory = takes_nothing(node.args) and not is_fixture(node)
        return (framework_of_function(code, module, node) if is_factory else ""), True
    scope = Scope(module=module, local={})
    return framework_of(code, scope, node, wrapped=name in WRAPPED_NAMES), False


def plain_kind(arguments: ast.arguments) -> str:
    """The kind of application that a function is by its arguments, or ""."""
    return PLAIN.get(tuple(each.arg for each in (*arguments.posonlyargs, *arguments.args)), "")


def takes_nothing(arguments: ast.arguments) -> bool:
    """Whether a function can be called without arguments."""
    positional = len(arguments.posonlyargs) + len(arguments.args)
    return positional == len(arguments.defaults) and None not in arguments.kw_defaults


def is_fixture(node: Function) -> bool:
    return any("fixture" in ast.dump(each) for each in node.decorator_list)


def framework_of(code: Code, scope: Scope, node: ast.AST | None, *, wrapped: bool = False, depth: int = DEEPEST) -> str:
    """The framework of the application that an expression evaluates to, or "".

    Args:
        code: The project's modules.
        scope: The scope of the expression.
        node: The expression.
        wrapped: Whether a call of anything else with an application as argument counts as an application.
        depth: How many steps names are followed.
    """
    if not depth or node is None:
        return ""
    if isinstance(node, ast.IfExp):
        both = (framework_of(code, scope, each, wrapped=wrapped, depth=depth - 1) for each in (node.body, node.orelse))
        return next(filter(None, both), "")
    if isinstance(node, ast.Call):
        found = framework_of_call(code, scope, node, depth - 1)
        if found or not wrapped:
            return found
        arguments = [*node.args, *(each.value for each in node.keywords)]
        return next(filter(None, (framework_of(code, scope, each, depth=depth - 1) for each in arguments)), "")
    if isinstance(node, ast.Name) and node.id in scope.local:
        return framework_of_any(code, scope, scope.local[node.id], node.id, depth - 1)
    if isinstance(node, (ast.Name, ast.Attribute)):
        name = code.origin(scope.module.dotted(node))
        module, nodes = code.find(name)
        last = name.rpartition(".")[2]
        return framework_of_any(code, Scope(module=module, local={}), nodes, last, depth - 1) if module else ""
    return ""


def framework_of_any(code: Code, scope: Scope, nodes: Sequence[ast.expr | Definition], name: str, depth: int) -> str:
    """The framework of the first of a name's values that is an application, or ""."""
    wrapped = name in WRAPPED_NAMES
    values = (each for each in nodes if not isinstance(each, DEFINITIONS))
    found = (framework_of(code, scope, each, wrapped=wrapped, depth=depth) for each in values)
    return next(filter(None, found), "")


def framework_of_call(code: Code, scope: Scope, call: ast.Call, depth: int) -> str:
    if isinstance(call.func, ast.Attribute) and call.func.attr == "make_wsgi_app":
        return "Pyramid"
    name = code.origin(scope.module.dotted(call.func))
    if name in CONSTRUCTORS:
        return CONSTRUCTORS[name]
    module, nodes = code.find(name)
    for node in nodes if module and depth > 0 else ():
        found = ""
        if isinstance(node, ast.ClassDef):
            found = framework_of_class(code, module, node, depth - 1)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found = framework_of_function(code, module, node, depth - 1)
        if found:
            return found
    return ""


def framework_of_class(code: Code, module: Module | None, node: ast.ClassDef, depth: int = DEEPEST) -> str:
    """The framework that a class derives from, or the kind of application that its instances are; otherwise ""."""
    if module is None or depth <= 0:
        return ""
    for each in node.body:
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.name == "__call__":
            kind = PLAIN.get(tuple(argument.arg for argument in each.args.args[1:]), "")
            if kind:
                return kind
    for base in node.bases:
        name = code.origin(module.dotted(base))
        inner, nodes = code.find(name)
        own = (framework_of_class(code, inner, each, depth - 1) for each in nodes if isinstance(each, ast.ClassDef))
        found = CONSTRUCTORS.get(name) or next(filter(None, own), "")
        if found:
            return found
    return ""


def framework_of_function(code: Code, module: Module | None, node: Function, depth: int = DEEPEST) -> str:
    """The framework of the application that a function returns, or ""; coroutines return none."""
    if module is None or depth <= 0 or isinstance(node, ast.AsyncFunctionDef):
        return ""
    scope = Scope(module=module, local=bound_names(node.body))
    for each in statements(node.body):
        if isinstance(each, ast.Return):
            found = framework_of(code, scope, each.value, wrapped=True, depth=depth)
            if found:
                return found
    return CONSTRUCTORS.get(code.origin(module.dotted(annotation(node.returns))), "")


def annotation(node: ast.expr | None) -> ast.expr | None:
    """An annotation, parsed if it is written as a string."""
    text = literal(node)
    try:
        return ast.parse(text, mode="eval").body if text else node
    except (SyntaxError, ValueError):
        return None


def hinted(code: Code, hints: Sequence[Hint], found: Sequence[Candidate]) -> list[Candidate]:
    """Names in the project's modules that only hints show to be served, such as imported names."""
    known = {(each.module.name, each.name) for each in found}
    made = []
    for module_name, name in hints:
        module = code.modules.get(module_name)
        if module is None or (module_name, name) in known or not (name in module.bound or name in module.imports):
            continue
        node = next(iter(module.bound.get(name, ())), None)
        is_factory = isinstance(node, ast.FunctionDef)
        framework = framework_of(code, Scope(module=module, local={}), ast.Name(id=name))
        line = node.lineno if node else 1
        made.append(
            Candidate(module=module, name=name, is_factory=is_factory, framework=framework or UNKNOWN, line=line)
        )
    return made


def ranked(found: Sequence[Candidate], hints: Sequence[Hint], project: str) -> list[Candidate]:
    """The candidates, best first.

    Args:
        found: In any order.
        hints: What the project's other files serve: modules with names in them, or with "".
        project: The project's name as a module's.
    """
    return sorted(found, key=lambda each: rank(each, hints, project))


def rank(each: Candidate, hints: Sequence[Hint], project: str) -> tuple[int | str, ...]:
    names = FACTORY_NAMES if each.is_factory else INSTANCE_NAMES
    by_name = place(each.name, names)
    last = each.module.name.rpartition(".")[2]
    return (
        min((number for number, hint in enumerate(hints) if is_meant(each, hint)), default=len(hints)),
        int(each.framework in PLAIN.values()),
        2 * (by_name == len(names)) + each.is_factory,
        by_name,
        int(each.module.name.partition(".")[0] != project),
        place(last, MODULE_NAMES),
        each.module.name.count("."),
        each.target,
    )


def place(word: str, words: Sequence[str]) -> int:
    return words.index(word) if word in words else len(words)


def is_meant(each: Candidate, hint: Hint) -> bool:
    """Whether a hint names the candidate, even if its module's name starts from another folder there."""
    module, name = hint
    here = each.module.name
    same = here == module or here.endswith(f".{module}") or module.endswith(f".{here}")
    return same and name in ("", each.name)


def others_than(chosen: Candidate, found: Sequence[Candidate]) -> list[Candidate]:
    """What a user may want instead: no wrapped variants of the chosen one, and factories only if it is one."""
    if chosen.framework == "Django":
        return [each for each in found if each.framework != "Django"]
    return [
        each
        for each in found
        if (each.module is not chosen.module or each.name not in WRAPPED_NAMES)
        and each is not chosen
        and (chosen.is_factory or not each.is_factory)
    ]
