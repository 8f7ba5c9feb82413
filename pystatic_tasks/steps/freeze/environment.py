"""The build environment: the project as it would be installed, and the tools beside it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dependency_groups import resolve
from packaging.utils import canonicalize_name

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.config.project import is_path, read_pyproject, required_name, tables_of_others
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.steps.build_environment import site_packages
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.locks import Lock, extras_of, find_lock, install_lock
from pystatic_tasks.steps.tools import tool_requirements
from pystatic_tasks.system.files import fingerprint, hash_file, hash_files, source_files, write_whole

INSTALLING_TOOLS = ("setuptools", "wheel", "pip", "uv")
PYPROJECT = "pyproject.toml"
DECLARING_TABLES = ("build-system", "project", "dependency-groups")


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What the environment is to hold, or holds by the marker in it."""

    python: str
    requirements: str
    sources: str


# What an installation leaves that did not come to its end; it equals nothing that is wanted.
HALF_FILLED = Contents(python="", requirements="", sources="")


def wanted_contents(config: ImageConfig, context: StepContext) -> Contents:
    return Contents(
        python=context.wanted_python,
        requirements=fingerprint([project_requirements(config), tool_requirements(), declared(config)]),
        sources=sources(config, whole=has_pyproject(context.python)),
    )


def discard_outdated(context: StepContext, wanted: Contents) -> None:
    """Make the environment anew if it was filled, or may have been, for another interpreter or other requirements."""
    if not context.installs:
        return
    there = read_marker(context.python)
    if there:
        outdated = (there.python, there.requirements) != (wanted.python, wanted.requirements)
    else:
        outdated = context.reuses_environment
    if outdated or (there and not context.use_cache) or not context.python.exists():
        context.say("making the build environment anew")
        context.recreate()


def fill_environment(config: ImageConfig, context: StepContext, wanted: Contents) -> None:
    """Install the project, then the tools, unless the environment holds just that already."""
    if not context.installs:
        context.say("build environment is used as it is")
        return
    there = read_marker(context.python)
    if there == wanted:
        context.say("build environment is up to date")
        return
    write_marker(context.python, HALF_FILLED)
    lock = find_lock(config)
    if lock:
        install_locked(config, context, lock)
    else:
        install_unlocked(config, context)
    if there is None:
        context.install(tool_requirements())
    write_marker(context.python, wanted)


def install_unlocked(config: ImageConfig, context: StepContext) -> None:
    """Install the project with the newest versions of what it needs."""
    install_hashed(config, context)
    arguments = project_requirements(config)
    if arguments:
        context.install(arguments)


def install_locked(config: ImageConfig, context: StepContext, lock: Lock) -> None:
    """Install what the lock names, then the projects that it is of, then what it knows nothing of."""
    of_lock = [entry for entry in config.install if lock.holds(config, entry)]
    # Groups are the root's, and a lock is the project's.
    groups = config.groups if config.root.resolve() == config.project.resolve() else ()
    context.say(f"installing the versions in {shown(config, lock.path)}")
    extras = [extra for entry in of_lock for extra in extras_of(entry)]
    install_lock(config, context, lock, extras=extras, groups=groups, variables=install_variables(config))
    if of_lock:
        context.install(["--no-deps", *(local_path(config.root, entry) for entry in of_lock)])
    install_hashed(config, context)
    server = None if is_installed(context.python, find_server(config.server_kind).requirement) else config.app
    others = tuple(entry for entry in config.install if entry not in of_lock)
    arguments = project_requirements(
        replace(config, app=server, groups=() if groups else config.groups, install=others)
    )
    if arguments:
        context.install(arguments)


def install_hashed(config: ImageConfig, context: StepContext) -> None:
    """Install requirements files with hashes by themselves: pip would want hashes for all that stands beside them."""
    for file in requirement_files(config):
        if is_hashed(file):
            context.install(["-r", str(file)])


def install_variables(config: ImageConfig) -> dict[str, str]:
    """Environment variables for installations.

    setuptools builds in `build/` of the project and never removes a module there that is gone from
    the sources; so it gets a folder below that, which is empty each time and each project's own.
    """
    base = (config.work / "setuptools").relative_to(config.root)
    for folder in local_folders(config):
        shutil.rmtree(folder / base, ignore_errors=True)
    settings = config.work / "setuptools.cfg"
    write_whole(settings, f"[build]\nbuild_base = {base}\n")
    return {"DIST_EXTRA_CONFIG": str(settings)}


def marker(python: Path) -> Path:
    return python.parent.parent / "pystatic-installed.json"


def write_marker(python: Path, contents: Contents) -> None:
    write_whole(marker(python), json.dumps(asdict(contents)))


def read_marker(python: Path) -> Contents | None:
    try:
        return Contents(**json.loads(marker(python).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def project_requirements(config: ImageConfig) -> list[str]:
    """The arguments of `pip install` for the project and, where it serves an app, the server."""
    arguments = [local_path(config.root, entry) for entry in config.install]
    for file in requirement_files(config):
        arguments += [] if is_hashed(file) else ["-r", str(file)]
    if config.groups:
        arguments += group_requirements(config)
    if config.app:
        arguments.append(find_server(config.server_kind).requirement)
    return arguments


def requirement_files(config: ImageConfig) -> list[Path]:
    for file in config.requirements:
        if not (config.root / file).is_file():
            raise ConfigError(
                f'tool.pystatic-tasks.requirements names "{file}", and there is no such file in {config.root}.',
                "Correct the name.",
            )
    return [config.root / file for file in config.requirements]


def is_hashed(file: Path) -> bool:
    """Whether a requirements file has hashes."""
    return "--hash=" in file.read_text(encoding="utf-8", errors="replace")


def local_path(root: Path, entry: str) -> str:
    """`entry` with a path made absolute, with its extras kept: pip starts from Nox's folder, not from ours."""
    path, bracket, extras = entry.partition("[")
    if not is_path(entry):
        return entry
    folder = (root / path).resolve()
    if not folder.exists():
        raise ConfigError(
            f'tool.pystatic-tasks.install names "{entry}", and {folder} is not there.', "Correct the path."
        )
    return f"{folder}{bracket}{extras}"


def group_requirements(config: ImageConfig) -> tuple[str, ...]:
    groups = read_pyproject(config.root).get("dependency-groups", {})
    try:
        return resolve(groups, *config.groups)
    except (LookupError, ValueError, TypeError) as error:
        reason = str(error.args[0]) if error.args else str(error)
        raise ConfigError(
            f"tool.pystatic-tasks.groups = {list(config.groups)}: {reason}.", "Correct [dependency-groups]."
        ) from None


def declared(config: ImageConfig) -> list[Any]:
    """What the project's files say of its dependencies."""
    tables = [
        read_pyproject(folder) for folder in (config.root, config.project) if (folder / "pyproject.toml").exists()
    ]
    files = [
        config.project / "setup.py",
        config.project / "setup.cfg",
        *(config.root / name for name in config.requirements),
    ]
    lock = find_lock(config)
    return [
        [each.get(name) for each in tables for name in DECLARING_TABLES],
        [hash_file(path) for path in files],
        hash_file(lock.path) if lock else "",
    ]


def sources(config: ImageConfig, *, whole: bool = False) -> str:
    """One hash of the files of all that is installed from folders; `whole` as in `hash_sources`."""
    return fingerprint([hash_sources(folder, whole=whole) for folder in local_folders(config)])


def local_folders(config: ImageConfig) -> list[Path]:
    """Folders whose contents are installed, or imported from where they are."""
    entries = [config.root / entry.partition("[")[0] for entry in config.install if is_path(entry)]
    installed = [folder.resolve() for folder in entries if folder.is_dir()] or [config.root]
    lock = find_lock(config)
    locked = [folder for folder in lock.folders.values() if folder.is_dir()] if lock else []
    return list(dict.fromkeys([*installed, *locked]))


def hash_sources(folder: Path, *, whole: bool = False) -> str:
    """One hash of the project's files by name and content; of a pyproject.toml only what others read counts.

    Args:
        folder: The project's folder.
        whole: Whether each pyproject.toml counts as it is.
    """
    paths = list(source_files(folder))
    declaring = [] if whole else [path for path in paths if path.name == PYPROJECT]
    tables = [(str(path.relative_to(folder)), hash_tables(path)) for path in declaring]
    return fingerprint([hash_files(folder, set(paths) - set(declaring)), tables])


def hash_tables(path: Path) -> str:
    """One hash of what others read of a pyproject.toml."""
    tables = tables_of_others(path)
    # In their order, which may decide on that of what a build backend writes.
    return hash_file(path) if tables is None else fingerprint(json.dumps(tables, default=str))


def has_pyproject(python: Path) -> bool:
    """Whether a folder of this machine was installed with its pyproject.toml, which the program may read then."""
    local = (path for path in records(python) if '"file:' in read_text(path.with_name("direct_url.json")))
    return any(re.search(rf"(^|/){PYPROJECT},", read_text(path), re.MULTILINE) for path in local)


def read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def is_installed(python: Path, requirement: str) -> bool:
    """Whether there is a distribution of that name, in whatever version."""
    infos = (path for folder in site_packages(python) for path in folder.glob("*.dist-info"))
    return required_name(requirement) in {canonicalize_name(path.name.partition("-")[0]) for path in infos}


def installed_files(python: Path) -> str:
    """One hash of everything that is installed, by what the installers wrote down."""
    return fingerprint([(path.parent.name, hash_file(path)) for path in records(python)])


def records(python: Path) -> list[Path]:
    return sorted(path for folder in site_packages(python) for path in folder.glob("*.dist-info/RECORD"))


def import_paths(config: ImageConfig) -> Sequence[str]:
    """Folders to import from beside the environment: those of a project that is not installed."""
    return [] if config.install else [str(config.root), str(config.root / "src")]


def script_folder(config: ImageConfig) -> Sequence[str]:
    """A script imports what lies beside it."""
    return [str((config.root / config.script).parent)] if config.script else []
