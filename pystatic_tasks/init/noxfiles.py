"""Adds our sessions to a noxfile, and keeps everything else unchanged."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import tomlkit

from pystatic_tasks.config.project import required_name
from pystatic_tasks.config.write import newline_of
from pystatic_tasks.init.modules import Module, keyword, literal
from pystatic_tasks.init.pyprojects import parsed
from pystatic_tasks.init.source import read_module, with_import, with_last
from pystatic_tasks.steps.table import STEPS
from pystatic_tasks.system.redaction import masked

# The metadata block of a script, as in https://peps.python.org/pep-0723/.
SCRIPT_BLOCK = re.compile(r"(?m)^# /// script\r?$\s(?P<content>(?:^#(?:| .*)$\s)+)^# ///\r?$")
PREFIXES = ("", "app-", "container-", "pystatic-")
OURS = "pystatic-tasks"
# With the first lines, Nox installs itself if it is missing.
NEW = (
    '# /// script\n# dependencies = ["nox"]\n# ///\n'
    '"""Sessions of Nox; `nox -l` lists them."""\n\nimport pystatic_tasks\n'
)
# Python shows this line of the noxfile when the package is missing.
ADVICE = "  # pip install pystatic-tasks, beside Nox"


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A call of `register()`.

    Attributes:
        root: The folder that it is for, relative to the noxfile's; "" if the code does not show it.
        prefix: The prefix of its sessions' names.
        names_target: Whether it sets app, script or command.
    """

    root: str
    prefix: str
    names_target: bool = False


@dataclass(frozen=True, kw_only=True)
class Noxfile:
    """An existing noxfile.

    Attributes:
        sessions: Names of its own sessions.
        registered: Its calls of `register()`.
        is_script: Whether it declares its own dependencies (PEP 723).
    """

    sessions: tuple[str, ...]
    registered: tuple[Registered, ...]
    is_script: bool


def read_noxfile(path: Path, text: str) -> Noxfile:
    """Read a noxfile.

    Raises:
        ConfigError: it is not valid Python.
    """
    module = read_module(path, text)
    return Noxfile(
        sessions=tuple(dict.fromkeys(own_sessions(module))),
        registered=tuple(register_calls(module)),
        is_script=bool(SCRIPT_BLOCK.search(text)),
    )


def own_sessions(module: Module) -> Iterator[str]:
    """Names of sessions, in the order of the file: `@nox.session`, `@session(name="x")`, `nox.session(…)(f)`."""
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from (
                session_name(module, each, node.name) for each in node.decorator_list if is_session(module, each)
            )
        elif isinstance(node, ast.Call) and is_session(module, node.func):
            for argument in node.args[:1]:
                call = node.func if isinstance(node.func, ast.Call) else node
                yield session_name(module, call, ast.unparse(argument))


def is_session(module: Module, node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    return module.dotted(called).rpartition(".")[2] == "session"


def session_name(module: Module, node: ast.expr, function: str) -> str:
    return (literal(keyword(node, "name")) if isinstance(node, ast.Call) else None) or function


def register_calls(module: Module) -> Iterator[Registered]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and module.dotted(node.func) == "pystatic_tasks.register":
            names_target = any(keyword(node, key) for key in ("app", "script", "command"))
            given = keyword(node, "root")
            root = Path(literal(given) or "").as_posix() if given is None or literal(given) else ""
            yield Registered(root=root, prefix=literal(keyword(node, "prefix")) or "", names_target=names_target)


def free_prefix(taken: Collection[str], prefixes: Sequence[str] = PREFIXES) -> str:
    """The first prefix that gives our sessions names that no other session has."""
    found = (each for each in prefixes if not any(f"{each}{step}" in taken for step in STEPS))
    return next(found, f"{prefixes[-1]}app-")


def our_requirement() -> str:
    """The requirement with which an installer gets this package from where it was installed from."""
    return requirement_from(distribution(OURS).read_text("direct_url.json") or "{}")


def requirement_from(noted: str) -> str:
    """The requirement for a recorded origin (direct_url.json): the repository, if the user named one.

    https://packaging.python.org/en/latest/specifications/direct-url-data-structure/
    """
    origin = json.loads(noted)
    repository = origin.get("vcs_info")
    if not repository or masked(origin["url"]) != origin["url"]:
        return OURS
    revision = repository.get("requested_revision")
    return f"{OURS} @ {repository['vcs']}+{origin['url']}{f'@{revision}' if revision else ''}"


def with_registered(path: Path, text: str, calls: Sequence[Registered], requirement: str = OURS) -> str:
    """The text of a noxfile with the calls of `register()` that it lacks.

    Args:
        path: The file, for messages.
        text: Its text; "" if it does not exist.
        calls: The calls to add; those for folders that are already registered are omitted.
        requirement: The requirement for this package, if the file declares its own dependencies.
    """
    there = read_noxfile(path, text).registered
    wanted = [each for each in calls if each.root not in [known.root for known in there]]
    if not wanted:
        return text
    text = with_script_dependency(text or NEW, requirement)
    if "pystatic_tasks" not in read_module(path, text).imports.values():
        advice = "" if SCRIPT_BLOCK.search(text) else ADVICE
        text = with_import(path, text, f"import pystatic_tasks{advice}", "nox")
    module = read_module(path, text)
    name = next(name for name, value in module.imports.items() if value == "pystatic_tasks")
    last = module.tree.body[-1]
    follows = isinstance(last, ast.Expr) and isinstance(last.value, ast.Call)
    joined = follows and module.dotted(last.value.func) == "pystatic_tasks.register"  # type: ignore[attr-defined]
    return with_last(path, text, [f"{name}.register({arguments(each)})" for each in wanted], joined=joined)


def arguments(call: Registered) -> str:
    given = {"root": call.root if call.root != "." else "", "prefix": call.prefix}
    return ", ".join(f'{key}="{value}"' for key, value in given.items() if value)


def with_script_dependency(text: str, requirement: str) -> str:
    """The text with this package among the script's own dependencies, if it declares any."""
    block = SCRIPT_BLOCK.search(text)
    if block is None:
        return text
    content = "".join(re.sub(r"^# ?", "", line) for line in block["content"].replace("\r\n", "\n").splitlines(True))
    dependencies = parsed(content).get("dependencies")
    if not isinstance(dependencies, list) or OURS in [required_name(str(each)) for each in dependencies]:
        return text
    document = tomlkit.parse(content)
    document["dependencies"].append(requirement)
    commented = "".join(f"# {line}".rstrip() + newline_of(text) for line in tomlkit.dumps(document).splitlines())
    return text[: block.start("content")] + commented + text[block.end("content") :]
