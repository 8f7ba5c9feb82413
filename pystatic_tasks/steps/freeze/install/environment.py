"""The build environment: the project as it would be installed, and the tools beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.install.asked_for import (
    declared,
    declaring_paths,
    is_hashed,
    local_path,
    project_requirements,
    requirement_files,
)
from pystatic_tasks.steps.freeze.install.installed import declared_needs, has_pyproject, is_installed
from pystatic_tasks.steps.freeze.install.locks import Lock, extras_of, find_lock, install_lock
from pystatic_tasks.steps.freeze.install.project_files import (
    built_folders,
    built_paths,
    editable_folders,
    linked,
    linked_paths,
    local_folders,
    sources,
)
from pystatic_tasks.steps.freeze.install.wheels import install_again
from pystatic_tasks.steps.meanwhile import is_changed_by_others
from pystatic_tasks.steps.tools import tool_requirements
from pystatic_tasks.system.files import fingerprint, hash_code, read_json, write_whole

# The code of ours that decides what is installed, and how.
INSTALLING = Path(__file__).parent
INSTALLING_TOOLS = ("setuptools", "wheel", "pip", "uv")


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What the environment is to hold, or holds by the marker in it.

    Attributes:
        python: What it is made from.
        requirements: A hash of what is asked for, and of what asks.
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
        requirements=fingerprint(
            [project_requirements(config), tool_requirements(config), declared(config), hash_code(INSTALLING)]
        ),
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
        context.say("making a new build environment")
        context.recreate()


def fill_environment(config: ImageConfig, context: StepContext, wanted: Contents, began: int) -> None:
    """Install the project, then the tools, unless the environment holds just that already.

    Args:
        config: What is built.
        context: Has the environment.
        wanted: What it is to hold, by `wanted_contents`.
        began: The time by `now` before that was looked at; of what was changed since, nobody knows what was installed.
    """
    if not context.installs:
        context.say("the build environment is used as it is")
        return
    there = read_marker(context.python)
    if there == wanted:
        context.say("build environment is up to date")
        return
    write_marker(context.python, HALF_FILLED)
    needs = declared_needs(context.python)
    is_new = there is None
    if is_new or not install_again(config, context, local_folders(config), install_variables(config)):
        install_project(config, context)
    if not is_new and declared_needs(context.python) != needs:
        # What is needed no more would stay, and so would a project under the name that it had.
        context.say("other dependencies: making a new build environment")
        context.recreate()
        install_project(config, context)
        is_new = True
    if is_new:
        context.install(tool_requirements(config))
    # Before the next time nobody may know of these folders.
    remove_builds(config, linked_paths(config, context.python))
    write_marker(context.python, contents_now(config, context, wanted, began))


def contents_now(config: ImageConfig, context: StepContext, wanted: Contents, began: int) -> Contents:
    """What the environment holds; nothing of what somebody changed since a moment is known."""
    paths = linked_paths(config, context.python)
    used = {
        "requirements": declaring_paths(config),
        "sources": built_paths(built_folders(config)),
        "linked": built_paths(paths),
    }
    unknown = {name: "" for name, each in used.items() if is_changed_by_others(config, name, each, began)}
    return replace(wanted, **{"linked": linked(config, context.python), **unknown})


def forget_contents(context: StepContext) -> None:
    """Let the environment be made anew the next time, since something in it is no more as it was installed."""
    if context.installs:
        write_marker(context.python, HALF_FILLED)


def install_project(config: ImageConfig, context: StepContext) -> None:
    lock = find_lock(config)
    if lock:
        install_locked(config, context, lock)
    else:
        install_unlocked(config, context)
    install_whole(config, context)


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


def install_whole(config: ImageConfig, context: StepContext) -> None:
    """Install folders that something else than the configuration names, or that are editable, once more by their names.

    What only a dependency names, uv takes from its cache as it once was; of what is editable no data is installed.
    """
    python = context.python
    folders = {path for path in (*linked_paths(config, python), *editable_folders(python)) if path.is_dir()}
    if folders:
        context.install(["--no-deps", *sorted(map(str, folders))])


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
    uv would link files from its cache, and a program that writes over one would write there.
    """
    remove_builds(config, local_folders(config))
    metadata = config.work / "setuptools-metadata"
    shutil.rmtree(metadata, ignore_errors=True)
    metadata.mkdir(parents=True)
    settings = config.work / "setuptools.cfg"
    write_whole(settings, f"[build]\nbuild_base = {build_base(config)}\n[egg_info]\negg_base = {metadata}\n")
    return {"DIST_EXTRA_CONFIG": str(settings), "UV_LINK_MODE": "copy"}


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
        return Contents(**read_json(marker(python)))
    except (OSError, ValueError, TypeError):
        return None
