"""Hashes everything that a frozen program depends on, to know whether it is still up to date."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from pystatic_tasks.bom.components import our_component
from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import PYPROJECT, license_expression, people, read_pyproject
from pystatic_tasks.config.variables import with_names, with_values
from pystatic_tasks.in_env.protocol import Component, Own
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.in_env.stamps import ABSENT, Stamp, stamp, stamps
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.packers import form_of
from pystatic_tasks.steps.build_environment import tools
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.install import asked_for, project_files
from pystatic_tasks.steps.freeze.install.backends import paths_around
from pystatic_tasks.steps.freeze.install.installed import installed_files, listed_files
from pystatic_tasks.steps.freeze.install.locks import find_lock
from pystatic_tasks.steps.freeze.observe import observation, target
from pystatic_tasks.steps.meanwhile import State, changed_at, is_replaced
from pystatic_tasks.steps.results import Interpreter, Stamps
from pystatic_tasks.steps.slim_lock import left_out, lock_path
from pystatic_tasks.system.files import (
    NODE_MODULES,
    fingerprint,
    hash_code,
    hash_file,
    hash_tree,
    is_packable,
    is_unpackable,
    named_below,
    scan,
    tree_paths,
)
from pystatic_tasks.system.redaction import masked

PACKAGE = Path(__file__).resolve().parents[2]
# A stamp that no file has.
UNKNOWN = (-1, 0, 0)
BYTECODE = "/__pycache__/"
# Of a hash in hexadecimal, as many as fit into a number of 64 bits.
DIGITS = 15


def freeze_inputs(config: ImageConfig, context: StepContext, interpreter: Interpreter, built: str) -> str:
    """A hash of everything that the frozen program depends on, except `asked_of_freeze`.

    Args:
        config: What is frozen.
        context: The step's context.
        interpreter: The Python that is frozen.
        built: A hash of the folders that are installed.
    """
    data = [config.root / entry.rpartition(":")[0] for entry in config.freeze.data]
    server_config = target.server_config_file(config)
    return fingerprint(
        {
            "name": config.name,
            "environment": config.environment,
            "home": os.environ.get("HOME", ""),
            "interpreter": [asdict(interpreter), stamps(filter(None, [interpreter.libpython]))],
            "tools": tools(),
            "installed": installed_files(context.python, interpreter.import_path),
            # Of what is not installed, code may ask whether it is there.
            "built": built,
            "sources": project_files.hash_sources(config.root) if is_imported_in_place(config) else "",
            "entries": entries(config.root) if is_imported_in_place(config) else [],
            "loose": list(map(str, project_files.loose_files(config))),
            "names": project_files.hash_names(config),
            "editable": project_files.editable_sources(context.python),
            "own": to_json(own_components(config)),
            "server_config": hash_file(server_config) if server_config else "",
            "data": [(str(path), hash_tree(path)) for path in data],
            "libraries": [
                (path, hash_file(Path(path))) for path in config.staticx.libraries if form_of(config) == "tree"
            ],
            "left_out": left_out(config),
            "variables": observation.exercise_variables(config),
            "observed": observation.exercise_inputs(config) if context.observes else "",
            "made_by": made_by(),
        }
    )


def paths_counted(config: ImageConfig, context: StepContext) -> Iterator[str | Path]:
    """The files written by people that `freeze_inputs` hashes, and the folders that it hashes whole."""
    yield from (folder / PYPROJECT for folder in (config.root, config.project))
    yield from project_files.files_with_names(config)
    folders = [config.root] if is_imported_in_place(config) else []
    for folder in (*folders, *project_files.editable_folders(context.python)):
        yield from project_files.source_paths(folder)
    yield from project_files.built_paths(project_files.built_folders(config))
    server_config = target.server_config_file(config)
    yield from [server_config] if server_config else []
    of_services = (word for each in config.services for word in each.command)
    words = (*config.smoke.command, *config.observe.command, *of_services)
    named = [config.root / entry.rpartition(":")[0] for entry in config.freeze.data]
    named += named_below(config.root, words)
    yield from (path for each in named for path in (each, *tree_paths(each)))
    yield from map(Path, config.staticx.libraries)
    yield lock_path(config)


def is_imported_in_place(config: ImageConfig) -> bool:
    """Whether the program imports from the project's folder itself."""
    return not config.install or config.script is not None


def entries(folder: Path) -> list[str]:
    """The names of everything in a project's folder; a program may also list empty folders and broken links."""
    found = scan(folder, leave_out=lambda path: path.name == NODE_MODULES or is_unpackable(path))
    return [path for path, _ in found]


def stamps_of_others(
    config: ImageConfig, context: StepContext, paths: Iterable[str], began: int, earlier: Mapping[str, State]
) -> Stamps:
    """Size and time of those files of a program that `freeze_inputs` does not hash.

    Args:
        config: What was frozen.
        context: The step's context; what is installed in its build environment is hashed separately.
        paths: The files.
        began: A moment before the first of them was read; a file that changed later counts as changed, since it is
            unknown which version was used.
        earlier: What was at some of the paths then; if it is gone, or something else is there, that counts as a
            change too.
    """
    environment = environment_of(context)
    ours = tuple(f"{folder}/" for folder in (config.work, PACKAGE))
    installed = listed_files(context.python)

    def is_counted(path: str) -> bool:
        # The hash of a pyproject.toml leaves out our own table.
        if path.endswith(f"/{PYPROJECT}"):
            return False
        if path.startswith(environment):
            return is_installed(path, environment, installed)
        if is_imported_in_place(config) and (path == str(config.root) or is_packable(config.root, Path(path))):
            return True
        return path.startswith(ours)

    others = sorted(path for path in filter(os.path.isabs, {*paths}) if not is_counted(path))
    stamped = {path: stamp_of(path, environment) for path in others}
    found = {
        path: UNKNOWN if changed_at(path) > began or is_replaced(path, earlier) else each
        for path, each in stamped.items()
    }
    # The path of an opened file may contain a caller's value.
    return {name: found[path] for path, name in with_names(config, found)}


def stamps_now(config: ImageConfig, context: StepContext, before: Iterable[str]) -> Stamps:
    """The current stamps of files, by the names that `stamps_of_others` gave them."""
    environment = environment_of(context)
    return {name: stamp_of(path, environment) for path, name in with_values(config, before)}


def environment_of(context: StepContext) -> str:
    return f"{context.python.parents[1]}/"


def is_installed(path: str, environment: str, installed: Collection[str]) -> bool:
    """Whether a path in the build environment is an installed file, bytecode, or a folder, which may get bytecode."""
    # Some systems install machine code into lib64, which is a link here.
    same = path.replace(f"{environment}lib64/", f"{environment}lib/", 1)
    return same in installed or BYTECODE in f"{path}/" or os.path.isdir(path)  # noqa: PTH112


def stamp_of(path: str, environment: str) -> Stamp:
    """A file's stamp; of a file in the build environment by its content, since it is generated again for each build."""
    found = stamp(Path(path))
    if not path.startswith(environment):
        return found
    size, _, mode = found
    content = hash_file(path)
    return (size, int(content[:DIGITS], 16), mode) if content else ABSENT


def made_by() -> list[str]:
    """Hashes of the code that freezes."""
    return [hash_code(PACKAGE / name) for name in ("steps/freeze", "in_env", "hooks", "in_image")]


def own_components(config: ImageConfig) -> Own:
    """The components of the project and the runner, which own all files that belong to no other."""
    project = read_pyproject(config.project).get("project", {})
    return Own(
        project=Component(
            kind="project",
            type="generic",
            name=str(project.get("name", config.name)),
            version=str(project.get("version", "")),
            licenses=tuple(filter(None, [masked(license_expression(project.get("license")))])),
            supplier=masked(people(project)),
        ),
        runner=our_component(),
        folder=str(config.root),
    )


def sources(config: ImageConfig, python: Path) -> tuple[str, ...]:
    """The files and folders of the program that people may change, even files that do not exist yet.

    Args:
        config: What is frozen.
        python: The interpreter of the build environment.
    """
    usual = find_server(config.server_kind).config_file if config.app else ""
    lock = find_lock(config)
    services = (word for each in config.services for word in each.command)
    words = (*config.smoke.command, *config.observe.command, *services)
    found = [
        *project_files.local_folders(config),
        *project_files.linked_paths(config, python),
        *(path for folder in project_files.local_folders(config) for path in paths_around(folder)),
        *(folder / PYPROJECT for folder in (config.root, config.project)),
        *asked_for.named(config).files,
        *([lock.path] if lock else []),
        *filter(None, [target.server_config_file(config), config.root / usual if usual else None]),
        *(config.root / entry.rpartition(":")[0] for entry in config.freeze.data),
        *map(Path, config.staticx.libraries),
        lock_path(config),
        *filter(Path.exists, named_below(config.root, words)),
    ]
    return tuple(sorted({os.path.normpath(path) for path in found}))
