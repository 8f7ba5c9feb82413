"""Fills the build environment: installs the project, its dependencies and the tools."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.folders import require_no_links
from pystatic_tasks.steps.freeze.install.asked_for import (
    declared,
    declaring_paths,
    is_hashed,
    local_path,
    project_requirements,
    requirement_files,
)
from pystatic_tasks.steps.freeze.install.installed import declared_needs, has_pyproject, is_installed
from pystatic_tasks.steps.freeze.install.installers import PRINTING
from pystatic_tasks.steps.freeze.install.locks import Lock, extras_of, find_lock, install_lock
from pystatic_tasks.steps.freeze.install.named_folders import folders_to_build
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
from pystatic_tasks.system.beneath import remove_tree
from pystatic_tasks.system.files import fingerprint, hash_code, read_json, write_whole

# Our own code that installs; the environment depends on it.
INSTALLING = Path(__file__).parent
INSTALLING_TOOLS = ("setuptools", "wheel", "pip", "uv")


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The contents of the environment: those wanted, or those that its marker records.

    Attributes:
        python: The interpreter that it is created from.
        requirements: A hash of what to install where, and of the code that installs it.
        sources: A hash of the installed folders that the configuration or the lock names.
        linked: A hash of the folders and archives on this machine that are installed without being named there.
    """

    python: str
    requirements: str
    sources: str
    linked: str

    def follows_from(self, other: Contents) -> bool:
        """Whether an environment with the other contents can be updated to these."""
        ours, theirs = (replace(each, sources="") for each in (self, other))
        return ours == theirs


# Marks an unfinished installation; equals no wanted contents.
HALF_FILLED = Contents(python="", requirements="", sources="", linked="")


def wanted_contents(config: ImageConfig, context: StepContext) -> Contents:
    return Contents(
        python=context.wanted_python,
        requirements=fingerprint(
            [
                # Installed commands contain it, so that those of a moved environment do not work.
                str(context.python.absolute()),
                project_requirements(config),
                tool_requirements(config),
                declared(config),
                hash_code(INSTALLING),
            ]
        ),
        sources=wanted_sources(config, context),
        linked=linked(config, context.python),
    )


def wanted_sources(config: ImageConfig, context: StepContext) -> str:
    """A hash of the installed folders that the configuration or the lock names, as they are now."""
    return sources(config, whole=has_pyproject(context.python))


def discard_outdated(context: StepContext, wanted: Contents) -> None:
    """Recreate the environment if it was, or may have been, filled for another interpreter or other requirements."""
    if not context.installs:
        return
    there = read_marker(context.python)
    outdated = not wanted.follows_from(there) if there else context.reuses_environment
    if outdated or (there and not context.use_cache) or not context.python.exists():
        context.say("making a new build environment")
        context.recreate()


def fill_environment(config: ImageConfig, context: StepContext, wanted: Contents, began: int) -> bool:
    """Install the project, then the tools, unless the environment already has the wanted contents.

    Args:
        config: What is built.
        context: The step's context, with the environment.
        wanted: The wanted contents, from `wanted_contents`.
        began: The time by `now` before these were determined; of files changed since, the installed version is unknown.

    Returns:
        Whether anything was installed.
    """
    if not context.installs:
        context.say("the build environment is used as it is")
        return False
    there = read_marker(context.python)
    if there == wanted:
        context.say("build environment is up to date")
        return False
    remove_all_builds(config, context.python)
    write_marker(context.python, HALF_FILLED)
    try:
        install_all(config, context, is_new=there is None)
    finally:
        # With all that the project requires, also passwords in addresses.
        shutil.rmtree(metadata_folder(config), ignore_errors=True)
    # The next build may not know these folders until it has installed them.
    remove_all_builds(config, context.python)
    write_marker(context.python, contents_now(config, context, wanted, began))
    return True


def install_all(config: ImageConfig, context: StepContext, *, is_new: bool) -> None:
    """Install the project and the tools; into an environment that is not new, only what changed, if that is enough."""
    needs = declared_needs(context.python)
    if is_new or not install_again(config, context, local_folders(config), install_variables(config)):
        install_project(config, context)
    if not is_new and declared_needs(context.python) != needs:
        # Packages that are no longer needed would stay, as would a renamed project under its old name.
        context.say("other dependencies: making a new build environment")
        context.recreate()
        install_project(config, context)
        is_new = True
    if is_new:
        context.install(tool_requirements(config))


def contents_now(config: ImageConfig, context: StepContext, wanted: Contents, began: int) -> Contents:
    """The contents of the environment; parts that depend on files changed since a moment are unknown ("")."""
    paths = linked_paths(config, context.python)
    used: dict[str, Iterable[str | Path]] = {
        "requirements": declaring_paths(config),
        "sources": built_paths(built_folders(config)),
        "linked": built_paths(paths),
    }
    unknown = {name: "" for name, each in used.items() if is_changed_by_others(config, name, each, began)}
    return replace(wanted, **{"linked": linked(config, context.python), **unknown})


def forget_contents(context: StepContext) -> None:
    """Have the environment recreated the next time, since a file in it was changed after the installation."""
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
    """Install the project without a lock, with the newest versions of its dependencies."""
    install_hashed(config, context)
    arguments = project_requirements(config)
    if arguments:
        context.install(arguments)


def install_locked(config: ImageConfig, context: StepContext, lock: Lock) -> None:
    """Install what the lock names, then its own projects, then everything that is not in it."""
    of_lock = [entry for entry in config.install if lock.holds(config, entry)]
    # Groups come from the root folder, the lock from the project.
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
    """Install folders that are editable, or not named in the configuration, once more by their paths.

    If only a dependency names a folder, uv may take an old version from its cache; editable installs lack data.
    """
    python = context.python
    folders = {path for path in (*linked_paths(config, python), *editable_folders(python)) if path.is_dir()}
    remove_builds(config, folders)
    if folders:
        context.install(["--no-deps", *sorted(map(str, folders))])


def install_hashed(config: ImageConfig, context: StepContext) -> None:
    """Install requirements files with hashes separately: pip would require hashes for everything else too."""
    for file in requirement_files(config):
        if is_hashed(file):
            context.install(["-r", str(file)])


def install_variables(config: ImageConfig) -> dict[str, str]:
    """Environment variables for installations.

    setuptools builds in `build/` of the project and never removes modules there that are gone from
    the sources; so each project gets a subfolder of it that is empty each time.
    It also packs what NAME.egg-info lists from an earlier build, so that goes to an empty folder too.
    uv would link files from its cache, and a program that overwrites one would change the cache.
    What installers print is in UTF-8 and not wrapped.

    Raises:
        PystaticError, MissingToolError: as for `remove_builds`.
    """
    remove_builds(config, folders_to_build(config))
    metadata = metadata_folder(config)
    shutil.rmtree(metadata, ignore_errors=True)
    metadata.mkdir(parents=True)
    settings = config.work / "setuptools.cfg"
    write_whole(settings, f"[build]\nbuild_base = {build_base(config)}\n[egg_info]\negg_base = {metadata}\n")
    return {"DIST_EXTRA_CONFIG": str(settings), "UV_LINK_MODE": "copy", **PRINTING}


def metadata_folder(config: ImageConfig) -> Path:
    """Where setuptools describes a project that it builds."""
    return config.work / "setuptools-metadata"


def build_base(config: ImageConfig) -> Path:
    """The build folder of setuptools, relative to the project that it builds."""
    return (config.work / "setuptools").relative_to(config.root)


def remove_all_builds(config: ImageConfig, python: Path) -> None:
    """`remove_builds` in the folders that are known before an installation, and in those that are known after it."""
    remove_builds(config, [*folders_to_build(config), *linked_paths(config, python)])


def remove_builds(config: ImageConfig, folders: Iterable[Path]) -> None:
    """Remove what setuptools built in these folders of projects.

    Raises:
        PystaticError, MissingToolError: a link would lead elsewhere, as for `require_no_links`; nothing is removed.
    """
    places = {folder: folder / build_base(config) for folder in folders}
    for folder, place in places.items():
        require_no_links(folder, place)
    for place in places.values():
        remove_tree(place)


def marker(python: Path) -> Path:
    return python.parent.parent / "pystatic-installed.json"


def write_marker(python: Path, contents: Contents) -> None:
    write_whole(marker(python), json.dumps(asdict(contents)))


def read_marker(python: Path) -> Contents | None:
    try:
        return Contents(**read_json(marker(python)))
    except (OSError, ValueError, TypeError):
        return None
