"""Arrows between the rooms of the package run down only, wherever in a module an import stands."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import pystatic_tasks

NAME = "pystatic_tasks"
# Each may import itself and those after it.
ROOMS = (
    "fronts",
    "init",
    "steps",
    "report",
    "bom",
    "packers",
    "engines",
    "oci",
    "in_env",
    "in_image",
    "config",
    "system",
)
# They run elsewhere, where nothing else of ours is, and beside modules of any name.
ALONE = ("in_env", "in_image", "hooks")
# What people import, and what is started, may know everything; no room knows it.
ENTRANCES = (NAME, *(f"{NAME}.{name}" for name in ("__main__", "tasks", "runner", "fronts.carried_noxfile")))
ERRORS = f"{NAME}.errors"
BELOW_ERRORS = f"{NAME}.system.redaction"
TABLE_OF_STEPS = f"{NAME}.steps.table"
IMPORTING = ("import_module", "importlib.import_module", "__import__")
IN_BUILD_ENVIRONMENTS = ("elftools", "zstandard", "PyInstaller", "staticx")
LIBRARIES_FOR_ONE = {
    "nox": f"{NAME}.fronts.sessions",
    "invoke": f"{NAME}.fronts.tasks",
    "urllib3": f"{NAME}.oci.registry",
    "yaml": f"{NAME}.steps.resolve",
    "jinja2": f"{NAME}.report.render",
}


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """One import: the names of both modules, and whether the second is written with leading dots."""

    source: str
    target: str
    relative: bool = False


def wrong_imports(package: Path) -> list[str]:
    """One line for each import that is not as it must be."""
    files = sorted(path for path in package.rglob("*") if path.suffix in (".py", ".spec"))
    modules = {module_name(path.relative_to(package)): path for path in files}
    arrows = dict.fromkeys(arrow for name in modules for arrow in arrows_from(name, modules))
    found = [(arrow, why_wrong(arrow, modules)) for arrow in arrows]
    return [f"{short(arrow.source)} imports {short(arrow.target)}: {reason}" for arrow, reason in found if reason]


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join((NAME, *(parts[:-1] if parts[-1] == "__init__" else parts)))


def short(name: str) -> str:
    return name.removeprefix(f"{NAME}.")


def arrows_from(name: str, modules: Mapping[str, Path]) -> Iterator[Arrow]:
    folder = name if is_package(name, modules) else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(modules[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Arrow(source=name, target=alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            written = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(written, folder)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield Arrow(source=name, target=inner if inner in modules else base, relative=node.level > 0)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in IMPORTING and node.args:
            target = beginning_of_text(node.args[0])
            yield from [Arrow(source=name, target=target)] if target else []


def beginning_of_text(node: ast.expr) -> str:
    """A module's name as it stands in a call, up to what is put in while it runs."""
    first = node.values[0] if isinstance(node, ast.JoinedStr) else node
    return str(first.value).rstrip(".") if isinstance(first, ast.Constant) else ""


def is_package(name: str, modules: Mapping[str, Path]) -> bool:
    return name in modules and modules[name].name == "__init__.py"


def why_wrong(arrow: Arrow, modules: Mapping[str, Path]) -> str:
    """What is wrong with an import, or ""."""
    if arrow.target.partition(".")[0] != NAME:
        return why_wrong_of_others(arrow, modules)
    source, target = room(arrow.source), room(arrow.target)
    if source in ALONE:
        return "" if arrow.relative and target == source else f"nothing else of ours is where {source} runs"
    if arrow.source in ENTRANCES:
        return ""
    if arrow.source == ERRORS:
        return "" if arrow.target == BELOW_ERRORS else f"errors are below everything but {short(BELOW_ERRORS)}"
    if arrow.target == ERRORS:
        return ""
    if arrow.target in ENTRANCES:
        return "no room knows an entrance"
    if source not in ROOMS or target not in ROOMS:
        return f"{target if source in ROOMS else source} is no room"
    if ROOMS.index(target) < ROOMS.index(source):
        return f"{target} is above {source}"
    return why_wrong_among_steps(arrow, modules) if source == target == "steps" else ""


def room(name: str) -> str:
    return [*name.split("."), ""][1]


def why_wrong_of_others(arrow: Arrow, modules: Mapping[str, Path]) -> str:
    """Of imports from outside the package, as they are written."""
    top = arrow.target.partition(".")[0]
    alone = LIBRARIES_FOR_ONE.get(top, arrow.source)
    if not f"{arrow.source}.".startswith(f"{alone}."):
        return f"{short(alone)} alone knows it"
    sibling = f"{NAME}.{room(arrow.source)}.{top}"
    if room(arrow.source) in ALONE and top not in sys.stdlib_module_names and sibling in modules:
        return "the project may have a module of that name; write it with a dot"
    return ""


def why_wrong_among_steps(arrow: Arrow, modules: Mapping[str, Path]) -> str:
    source, target = step(arrow.source, modules), step(arrow.target, modules)
    if arrow.target == TABLE_OF_STEPS != arrow.source:
        return "the table knows the steps, and they do not know it"
    if not target or source == target or arrow.source == TABLE_OF_STEPS:
        return ""
    return "a step never imports another" if source else "the table alone knows the steps"


def step(name: str, modules: Mapping[str, Path]) -> str:
    """The step that a module of steps/ belongs to; "" for what they share."""
    package = ".".join(name.split(".")[:3])
    return package if f"{package}.step" in modules else ""


def test_every_import_is_as_it_must_be() -> None:
    assert wrong_imports(Path(pystatic_tasks.__file__).parent) == []


GOOD = {
    "__init__.py": "from pystatic_tasks.errors import Broken\nfrom pystatic_tasks.fronts.sessions import work",
    "errors.py": "from pystatic_tasks.system.redaction import hide",
    "fronts/sessions/work.py": "import nox\nfrom pystatic_tasks import errors\nfrom pystatic_tasks.steps import table",
    "steps/__init__.py": "",
    "steps/table.py": "from pystatic_tasks.steps.freeze import step\nfrom pystatic_tasks.steps.push import send",
    "steps/manifest.py": "from pystatic_tasks.config import load",
    "steps/freeze/__init__.py": "from pystatic_tasks.steps.freeze.step import freeze",
    "steps/secrets/guard.py": "from pystatic_tasks.steps.secrets import names",
    "steps/secrets/names.py": "",
    "steps/freeze/step.py": "from ..manifest import read\nfrom pystatic_tasks.bom import components",
    "steps/push/step.py": "from pystatic_tasks.oci.registry import client",
    "bom/components.py": "import json",
    "oci/registry/client.py": "import urllib3",
    "in_env/__init__.py": "",
    "in_env/tree.py": "import json\nimport token\nfrom . import token\nfrom .parts.one import first",
    "in_env/token.py": "from .tree import leaf",
    "in_env/parts/one.py": "from ..token import word",
    "in_image/servers/gunicorn.py": "import gunicorn.app",
    "in_env/freeze.spec": "import PyInstaller\nimportlib.import_module(f'{PACKAGE}.tree')",
    "engines/registry.py": "import_module(f'pystatic_tasks.engines.{name}')\nimport_module(name)",
    "config/load.py": "",
    "system/redaction.py": "import re",
}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_what_others_import_of_in_env_needs_no_library_of_the_build_environment() -> None:
    """Those libraries are not beside the user's Nox."""
    package = Path(pystatic_tasks.__file__).parent
    modules = {module_name(path.relative_to(package)): path for path in package.rglob("*.py")}
    arrows = (arrow for name in modules if room(name) not in ALONE for arrow in arrows_from(name, modules))
    wanted = sorted({arrow.target for arrow in arrows if room(arrow.target) == "in_env" and arrow.target in modules})
    without = f"import sys; sys.modules.update(dict.fromkeys({IN_BUILD_ENVIRONMENTS}))"
    code = "\n".join([without, *(f"import {name}" for name in wanted)])
    assert f"{NAME}.in_env.observe.recorded" in wanted
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr == ""


def test_arrows_that_run_down_are_right(tmp_path: Path) -> None:
    assert wrong_imports(write(tmp_path, GOOD)) == []


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        (
            "config/load.py",
            "from pystatic_tasks.oci.registry import client",
            "config.load imports oci.registry.client: oci is above config",
        ),
        (
            "config/load.py",
            "def load():\n    from pystatic_tasks.steps.manifest import read",
            "config.load imports steps.manifest: steps is above config",
        ),
        (
            "config/load.py",
            "if TYPE_CHECKING:\n    import pystatic_tasks.bom.components",
            "config.load imports bom.components: bom is above config",
        ),
        ("config/load.py", "from ..bom import x", "config.load imports bom: bom is above config"),
        (
            "config/load.py",
            "importlib.import_module('pystatic_tasks.steps.manifest')",
            "config.load imports steps.manifest: steps is above config",
        ),
        (
            "config/load.py",
            "import_module(f'pystatic_tasks.engines.{name}')",
            "config.load imports engines: engines is above config",
        ),
        (
            "in_env/freeze.spec",
            "def analyse():\n    from pystatic_tasks.config import load",
            "in_env.freeze imports config.load: nothing else of ours is where in_env runs",
        ),
        ("config/load.py", "import pystatic_tasks", "config.load imports pystatic_tasks: no room knows an entrance"),
        (
            "attic/box.py",
            "from pystatic_tasks.config import load",
            "attic.box imports config.load: attic is no room",
        ),
        (
            "errors.py",
            "from pystatic_tasks.config import load",
            "errors imports config.load: errors are below everything but system.redaction",
        ),
        (
            "steps/push/step.py",
            "from pystatic_tasks.steps.freeze.step import x",
            "steps.push.step imports steps.freeze.step: a step never imports another",
        ),
        (
            "steps/manifest.py",
            "from pystatic_tasks.steps import freeze",
            "steps.manifest imports steps.freeze: the table alone knows the steps",
        ),
        (
            "steps/freeze/step.py",
            "from pystatic_tasks.steps.table import STEPS",
            "steps.freeze.step imports steps.table: the table knows the steps, and they do not know it",
        ),
        (
            "in_env/tree.py",
            "from pystatic_tasks.system import redaction",
            "in_env.tree imports system.redaction: nothing else of ours is where in_env runs",
        ),
        (
            "in_env/tree.py",
            "from pystatic_tasks.in_env import token",
            "in_env.tree imports in_env.token: nothing else of ours is where in_env runs",
        ),
        (
            "in_env/token.py",
            "import tree",
            "in_env.token imports tree: the project may have a module of that name; write it with a dot",
        ),
        (
            "in_env/parts/one.py",
            "from tree import leaf",
            "in_env.parts.one imports tree: the project may have a module of that name; write it with a dot",
        ),
        (
            "in_image/servers/gunicorn.py",
            "from pystatic_tasks.errors import Broken",
            "in_image.servers.gunicorn imports errors: nothing else of ours is where in_image runs",
        ),
        ("steps/manifest.py", "import nox", "steps.manifest imports nox: fronts.sessions alone knows it"),
        ("__init__.py", "from invoke import task", "pystatic_tasks imports invoke: fronts.tasks alone knows it"),
        (
            "oci/index.py",
            "import urllib3.util",
            "oci.index imports urllib3.util: oci.registry alone knows it",
        ),
    ],
)
def test_an_arrow_that_is_turned_is_named(tmp_path: Path, path: str, text: str, line: str) -> None:
    assert wrong_imports(write(tmp_path, {**GOOD, path: text})) == [line]
