"""The build environment: the project as it would be installed, and the tools beside it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dependency_groups import resolve

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.config.project import PYPROJECT, is_path, read_pyproject, tables_of_others
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.in_env.stamps import stamps
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.backends import paths_around, told_by_git
from pystatic_tasks.steps.freeze.installed import declared_needs, has_pyproject, is_installed, locals_in
from pystatic_tasks.steps.freeze.installers import places_of_uv, tables_of_uv
from pystatic_tasks.steps.freeze.locks import Lock, extras_of, find_lock, install_lock, upwards
from pystatic_tasks.steps.freeze.requirements import read_all, read_requirements
from pystatic_tasks.steps.freeze.wheels import install_again
from pystatic_tasks.steps.tools import tool_requirements
from pystatic_tasks.system.files import (
    NODE_MODULES,
    fingerprint,
    hash_file,
    hash_files,
    packable_files,
    source_files,
    write_whole,
)

INSTALLING_TOOLS = ("setuptools", "wheel", "pip", "uv")
DECLARING_TABLES = ("build-system", "project", "dependency-groups")
# Where names of classes stand: in code, and in settings of logging and the like.
TEXT_SUFFIXES = (".py", ".toml", ".yaml", ".yml", ".json", ".ini", ".cfg")


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What the environment is to hold, or holds by the marker in it.

    Attributes:
        python: What it is made from.
        requirements: A hash of what is asked for.
        sources: A hash of the folders that are installed because the configuration, or the lock, names them.
        linked: A hash of the folders and archives of this machine that are installed because something else names them.
    """

    python: str
    requirements: str
    sources: str
    linked: str

    def follows_from(self, other: Contents) -> bool:
        """Whether an environment that holds the other can be brought to hold this."""
        ours, theirs = (replace(each, sources="") for each in (self, other))
        return ours == theirs


# What an installation leaves that did not come to its end; it equals nothing that is wanted.
HALF_FILLED = Contents(python="", requirements="", sources="", linked="")


def wanted_contents(config: ImageConfig, context: StepContext) -> Contents:
    return Contents(
        python=context.wanted_python,
        requirements=fingerprint([project_requirements(config), tool_requirements(config), declared(config)]),
        sources=sources(config, whole=has_pyproject(context.python)),
        linked=linked(config, context.python),
    )


def discard_outdated(context: StepContext, wanted: Contents) -> None:
    """Make the environment anew if it was filled, or may have been, for another interpreter or other requirements."""
    if not context.installs:
        return
    there = read_marker(context.python)
    outdated = not wanted.follows_from(there) if there else context.reuses_environment
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
    began = time.time_ns()
    needs = declared_needs(context.python)
    is_new = there is None
    if is_new or not install_again(config, context, local_folders(config), install_variables(config)):
        install_project(config, context)
    if not is_new and declared_needs(context.python) != needs:
        # What is needed no more would stay.
        context.say("other dependencies: making the build environment anew")
        context.recreate()
        install_project(config, context)
        is_new = True
    if is_new:
        install_linked(config, context)
        context.install(tool_requirements(config))
    # Before the next time nobody may know of these folders.
    remove_builds(config, linked_paths(config, context.python))
    write_marker(context.python, replace(wanted, linked=linked(config, context.python, began)))


def install_project(config: ImageConfig, context: StepContext) -> None:
    lock = find_lock(config)
    if lock:
        install_locked(config, context, lock)
    else:
        install_unlocked(config, context)


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


def install_linked(config: ImageConfig, context: StepContext) -> None:
    """Install folders again by their names: what only a dependency names, uv takes from its cache as it once was."""
    folders = [path for path in linked_paths(config, context.python, is_editable=False) if path.is_dir()]
    if folders:
        context.install(["--no-deps", *map(str, folders)])


def install_hashed(config: ImageConfig, context: StepContext) -> None:
    """Install requirements files with hashes by themselves: pip would want hashes for all that stands beside them."""
    for file in requirement_files(config):
        if is_hashed(file):
            context.install(["-r", str(file)])


def install_variables(config: ImageConfig) -> dict[str, str]:
    """Environment variables for installations.

    setuptools builds in `build/` of the project and never removes a module there that is gone from
    the sources; so it gets a folder below that, which is empty each time and each project's own.
    It also packs what its NAME.egg-info of an earlier build lists, so that goes to an empty folder too.
    """
    remove_builds(config, local_folders(config))
    metadata = config.work / "setuptools-metadata"
    shutil.rmtree(metadata, ignore_errors=True)
    metadata.mkdir(parents=True)
    settings = config.work / "setuptools.cfg"
    write_whole(settings, f"[build]\nbuild_base = {build_base(config)}\n[egg_info]\negg_base = {metadata}\n")
    return {"DIST_EXTRA_CONFIG": str(settings)}


def build_base(config: ImageConfig) -> Path:
    """Where setuptools builds, from the folder of the project that it builds."""
    return (config.work / "setuptools").relative_to(config.root)


def remove_builds(config: ImageConfig, folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder / build_base(config), ignore_errors=True)


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
    return "--hash=" in read_requirements(file)


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
    named = read_all(requirement_files(config))
    around = dict.fromkeys(each for folder in local_folders(config) for each in upwards(folder))
    places = dict.fromkeys([*named.places, *(place for folder in around for place in places_of_uv(folder))])
    files = [config.project / "setup.py", config.project / "setup.cfg", *named.files]
    lock = find_lock(config)
    return [
        [each.get(name) for each in tables for name in DECLARING_TABLES],
        # Where packages come from, and in which versions: none of that is in what a project says to others.
        [table for folder in around for table in tables_of_uv(folder) if table],
        [hash_file(path) for path in files],
        stamps(str(each) for place in places for each in (place, *files_in(place))),
        hash_file(lock.path) if lock else "",
    ]


def files_in(place: Path) -> Iterable[Path]:
    """The files of a folder; of a page there are none."""
    return packable_files(place) if place.is_dir() else ()


def sources(config: ImageConfig, *, whole: bool = False) -> str:
    """One hash of all that is installed from folders; `whole` as in `hash_sources`."""
    # Where nothing is installed, that of the project is among the folders all the same.
    built = [folder for folder in local_folders(config) if config.install or folder != config.root]
    return fingerprint([hash_built(folder, whole=whole) for folder in built])


def local_folders(config: ImageConfig) -> list[Path]:
    """Folders whose contents are installed, or imported from where they are."""
    entries = [config.root / entry.partition("[")[0] for entry in config.install if is_path(entry)]
    installed = [folder.resolve() for folder in entries if folder.is_dir()] or [config.root]
    lock = find_lock(config)
    locked = [folder for folder in lock.folders.values() if folder.is_dir()] if lock else []
    return list(dict.fromkeys([*installed, *locked]))


def linked(config: ImageConfig, python: Path, began: int | None = None) -> str:
    """One hash of what is installed from this machine because something else than the configuration names it.

    Args:
        config: What names the other.
        python: The interpreter of the environment.
        began: When the installation of it began, in nanoseconds since the epoch; if something changed since then,
            nobody knows what was installed, and the hash is that of nothing.
    """
    paths = linked_paths(config, python)
    if began is not None and any(changed_since(path, began) for path in paths):
        return ""
    return fingerprint([hash_built(path, whole=True) if path.is_dir() else hash_file(path) for path in paths])


def changed_since(path: Path, moment: int) -> bool:
    """Whether an archive, or a file in a folder, was written after a moment, in nanoseconds since the epoch."""
    files = packable_files(path) if path.is_dir() else [path]
    return any(each.exists() and each.stat().st_mtime_ns >= moment for each in files)


def linked_paths(config: ImageConfig, python: Path, *, is_editable: bool | None = None) -> list[Path]:
    """The folders and archives that `linked` is of; those only that are imported from where they are, or are not."""
    named = {path.resolve() for path in local_folders(config)}
    found = (each for each in locals_in(python) if is_editable in (None, each.is_editable))
    return sorted({each.origin for each in found if each.origin.resolve() not in named})


def editable_sources(python: Path) -> str:
    """One hash of the folders that are imported from where they are, though installed."""
    folders = sorted({each.origin for each in locals_in(python) if each.is_editable})
    return fingerprint([hash_sources(folder, whole=True) for folder in folders])


def hash_built(folder: Path, *, whole: bool = False) -> str:
    """One hash of what a build backend makes a distribution of; `whole` as in `hash_sources`."""
    around = [hash_sources(path, whole=True) if path.is_dir() else hash_file(path) for path in paths_around(folder)]
    return fingerprint([hash_sources(folder, whole=whole), around, told_by_git(folder)])


def hash_sources(folder: Path, *, whole: bool = False) -> str:
    """One hash of the project's files by name and content; of a pyproject.toml only what others read counts.

    Args:
        folder: The project's folder.
        whole: Whether each pyproject.toml counts as it is.
    """
    paths = list(packable_files(folder))
    # There are tens of thousands of them.
    stamped = [path for path in paths if NODE_MODULES in path.relative_to(folder).parts]
    declaring = [] if whole else [path for path in paths if path.name == PYPROJECT]
    tables = [(str(path.relative_to(folder)), hash_tables(path)) for path in declaring]
    written = hash_files(folder, set(paths) - set(declaring) - set(stamped))
    return fingerprint([written, stamps(map(str, stamped)), tables])


def hash_tables(path: Path) -> str:
    """One hash of what others read of a pyproject.toml."""
    tables = tables_of_others(path)
    # In their order, which may decide on that of what a build backend writes.
    return hash_file(path) if tables is None else fingerprint(json.dumps(tables, default=str))


def files_with_names(config: ImageConfig) -> list[Path]:
    """The files of the project's folders, installed or not, that are looked through for what they name."""
    files = (path for folder in local_folders(config) for path in source_files(folder))
    return [path for path in files if path.suffix in TEXT_SUFFIXES]


def hash_names(config: ImageConfig) -> str:
    """One hash of these files; of a pyproject.toml only what others read counts."""
    hashed = {True: hash_tables, False: hash_file}
    return fingerprint({str(path): hashed[path.name == PYPROJECT](path) for path in files_with_names(config)})


def import_paths(config: ImageConfig) -> Sequence[str]:
    """Folders to import from beside the environment: those of a project that is not installed."""
    return [] if config.install else [str(config.root), str(config.root / "src")]


def script_folder(config: ImageConfig) -> Sequence[str]:
    """A script imports what lies beside it."""
    return [str((config.root / config.script).parent)] if config.script else []


def loose_files(config: ImageConfig) -> list[Path]:
    """The files in folders that are imported from where they are."""
    folders = [*map(Path, script_folder(config)), *([] if config.install else [config.root])]
    return list(dict.fromkeys(path for folder in folders for path in source_files(folder)))
