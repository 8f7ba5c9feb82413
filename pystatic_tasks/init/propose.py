"""Proposes the configuration of a project, and explains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pystatic_tasks.config.convert import nearest
from pystatic_tasks.config.load import TARGETS
from pystatic_tasks.config.project import default_image_name
from pystatic_tasks.config.rules import check_app
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.init.dependencies import installation
from pystatic_tasks.init.django_routes import django_routes
from pystatic_tasks.init.look import Project, at, undiscovered
from pystatic_tasks.init.modules import BESIDE_THE_CODE
from pystatic_tasks.init.route_calls import declared_routes
from pystatic_tasks.init.routes import Routes
from pystatic_tasks.init.targets import PLAIN, Candidate, others_than, ranked

LOOKED_FOR = (
    "a Flask, Quart, FastAPI, Starlette, Litestar, Falcon, Bottle, Pyramid or Django application",
    "a callable with WSGI arguments (environ, start_response) or ASGI arguments (scope, receive, send)",
    "a function without required arguments that returns one of these",
    "a command in [project.scripts] of pyproject.toml",
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What to freeze.

    Attributes:
        key: Its key in the configuration: app, command or script.
        value: The value of that key.
        about: What it is and where, for the user.
        candidate: The application, if it was found in the code.
        others: Other possible values.
    """

    key: str
    value: str
    about: str
    candidate: Candidate | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What to write into the pyproject.toml of one project.

    Attributes:
        project: The project.
        target: What to freeze; None if the configuration already names it.
        keys: Keys of `[tool.pystatic-tasks]`, with dots, and their values.
        lines: What was found, for the user.
    """

    project: Project
    target: Target | None
    keys: tuple[tuple[str, Any], ...]
    lines: tuple[str, ...]


def propose(project: Project, named: str | None, command: str) -> Proposal:
    """Find the target, and the configuration that it needs.

    Args:
        project: The project.
        named: The target that the user names, if any.
        command: How the user calls the program, for messages.

    Raises:
        ConfigError: no target is found, the named one does not exist, or another one is already configured.
    """
    skipped = [f"skipped    {line}" for line in project.code.skipped]
    there = configured(project.table)
    if there:
        if named and named not in there:
            raise ConfigError(
                f"{project.root / 'pyproject.toml'} has {there} already, but --target names another target.",
                "Change it there yourself, or run init without --target.",
            )
        return Proposal(
            project=project, target=None, keys=(), lines=(f"target     already configured: {there}", *skipped)
        )
    target = named_target(project, named) if named else found_target(project, command)
    routes = routes_of(project, target)
    keys = [(key, value) for key, value in keys_for(project, target, routes) if not is_given(project.table, key)]
    lines = [
        f"target     {target.value} ({target.about})",
        *(f"           or {each}; to choose it: {command} init --target '{each}'" for each in target.others),
        f"layout     {layout(project)}",
        *skipped,
        *notes(project, target),
    ]
    return Proposal(project=project, target=target, keys=tuple(keys), lines=tuple(lines))


def configured(table: Mapping[str, Any]) -> str:
    """The target in the configuration, as written there, or ""."""
    found = [f'{key} = "{table[key]}"' for key in TARGETS if table.get(key)]
    images = at(table, "images")
    return found[0] if found else f"images {', '.join(images)}" if images else ""


def named_target(project: Project, named: str) -> Target:
    """The target that the user names: an application, a command or a script.

    Raises:
        ConfigError: it does not exist.
    """
    if ":" in named:
        return named_app(project, named)
    if named in project.scripts:
        return Target(key="command", value=named, about="in [project.scripts]")
    if named.endswith(".py") and (project.root / named).is_file():
        return Target(key="script", value=named, about="a script")
    known = [*project.scripts, *(each.target for each in project.applications)]
    raise ConfigError(
        f'--target names "{named}", which is neither an application ("package.module:callable"), a command in '
        f"[project.scripts], nor a script in {project.root}.",
        f"Correct it{'; ' + nearest(named, known) if known else '.'}",
    )


def named_app(project: Project, named: str) -> Target:
    try:
        check_app(named)
    except ValueError as error:
        raise ConfigError(f'--target names "{named}", which {error}.', "Correct it.") from None
    module = named.partition(":")[0]
    path = module_file(project, module)
    if path is None:
        known = nearest(module, project.code.modules) if project.code.modules else "the project has no modules"
        raise ConfigError(
            f'--target names "{named}", but there is no module "{module}" below {shown_folders(project)}.',
            f"Correct it; {known}",
        )
    found = next((each for each in project.applications if each.target == named), None)
    about = description(project, found) if found else f"from --target, in {path}"
    return Target(key="app", value=named, about=about, candidate=found)


def module_file(project: Project, module: str) -> str | None:
    """The path of a module's file, in any of the project's folders, relative to the root."""
    inner = Path(*module.split("."))
    files = [folder / each for folder in project.folders for each in (inner.with_suffix(".py"), inner / "__init__.py")]
    return next((str(path.relative_to(project.root)) for path in files if path.is_file()), None)


def found_target(project: Project, command: str) -> Target:
    """The best target that is found.

    Raises:
        ConfigError: none is found.
    """
    own_name = default_image_name(str(at(project.pyproject, "project").get("name", project.root.name)))
    apps = ranked(project.served, project.hints, own_name.replace("-", "_"))
    if apps:
        best = apps[0]
        others = tuple(each.target for each in others_than(best, apps))
        return Target(key="app", value=best.target, about=description(project, best), candidate=best, others=others)
    scripts = sorted(project.scripts, key=lambda name: (default_image_name(name) != own_name, name))
    if scripts:
        return Target(
            key="command", value=scripts[0], about="a command in [project.scripts]", others=tuple(scripts[1:])
        )
    raise nothing_found(project, command)


def nothing_found(project: Project, command: str) -> ConfigError:
    return ConfigError(
        f"Found nothing to serve in {project.root}. Looked for:",
        f"Name the target: {command} init --target package.module:callable, or a script that serves: --target main.py.",
        [*LOOKED_FOR, *(f"skipped: {line}" for line in project.code.skipped)],
    )


def description(project: Project, found: Candidate) -> str:
    path = found.module.path.relative_to(project.root)
    return f"{found.framework}, in {path}, line {found.line}"


def layout(project: Project) -> str:
    """Where the code lies and how it is installed, for the user."""
    if project.installable:
        return f"modules below {shown_folders(project)}, installed by pip"
    return f"modules below {shown_folders(project)}, used in place; {installed_beside(project)}"


def installed_beside(project: Project) -> str:
    """What is installed for code that is not itself installed, for the user."""
    if project.virtual:
        return "the packages in uv.lock are installed"
    if project.table.get("requirements"):
        return "the packages in requirements are installed"
    there = (project.root / "requirements.txt").is_file()
    return "requirements.txt is installed" if there else "nothing is installed: there is no requirements.txt"


def shown_folders(project: Project) -> str:
    names = [each.relative_to(project.root).as_posix() for each in project.folders if each.is_relative_to(project.root)]
    return " and ".join("this folder" if name == "." else name for name in names)


def routes_of(project: Project, target: Target) -> Routes:
    found = target.candidate
    if found is None or found.framework in PLAIN.values():
        return Routes()
    return django_routes(project.code) if found.framework == "Django" else declared_routes(project.code, found)


def keys_for(project: Project, target: Target, routes: Routes) -> list[tuple[str, Any]]:
    """The keys of the configuration, as few as possible."""
    keys: list[tuple[str, Any]] = [(target.key, target.value)]
    if target.key == "command":
        return [*keys, ("smoke.command", ["--help"])]
    if target.candidate:
        keys += installation(project, target.candidate.framework)
    if routes.health:
        keys.append(("image.healthcheck", routes.health))
    first = routes.first
    if first:
        request = {"path": first.path, **({} if first.status == 200 else {"status": first.status})}
        keys.append(("smoke.requests", [request]))
    return keys


def is_given(table: Mapping[str, Any], key: str) -> bool:
    *path, last = key.split(".")
    return last in at(table, *path)


def notes(project: Project, target: Target) -> Sequence[str]:
    """Problems that init does not fix itself."""
    packages = undiscovered(project)
    own = [name for name in packages if name not in BESIDE_THE_CODE and has_code(project.root / name)]
    if not packages:
        return ()
    patterns = ", ".join(f'"{name}*"' for name in own)
    return (
        f"note       pip cannot install this folder: setuptools cannot choose between {', '.join(packages)}.",
        f"           Add to pyproject.toml: [tool.setuptools.packages.find] with include = [{patterns}]",
    )


def has_code(folder: Path) -> bool:
    return any(folder.rglob("*.py"))
