"""Lists what to install, and what the project's files declare about dependencies."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dependency_groups import resolve
from packaging.requirements import InvalidRequirement, Requirement

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import PYPROJECT, is_path, read_pyproject
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.in_env.stamps import stamps
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.steps.freeze.install.installers import places_of_uv, tables_of_uv, told_files, told_places
from pystatic_tasks.steps.freeze.install.locks import find_lock, upwards
from pystatic_tasks.steps.freeze.install.project_files import local_folders
from pystatic_tasks.steps.freeze.install.requirements import (
    Named,
    lines_of,
    linked_from,
    read_all,
    read_requirements,
    requirement_lines,
)
from pystatic_tasks.system.files import hash_file, packable_files

PAGES = (".html", ".htm")
DECLARING_TABLES = ("build-system", "project", "dependency-groups")


def project_requirements(config: ImageConfig) -> list[str]:
    """The arguments of `pip install` for the project and, where it serves an app, the server."""
    arguments = []
    editable = {path.resolve() for path in read_all(requirement_files(config)).editable}
    for path in (local_path(config.root, entry) for entry in config.install):
        # An installer would take a project that is named in two ways for two projects of one name.
        arguments += ["-e", path] if Path(path.partition("[")[0]) in editable else [path]
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
                f'tool.pystatic-tasks.requirements names "{file}", which is not a file in {config.root}.',
                "Correct the name.",
            )
    return [config.root / file for file in config.requirements]


def is_hashed(file: Path) -> bool:
    """Whether a requirements file has hashes."""
    return "--hash=" in read_requirements(file)


def local_path(root: Path, entry: str) -> str:
    """`entry` with its path made absolute, and its extras: pip runs in Nox's folder, not in the project's."""
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


def asked_by_name(config: ImageConfig) -> list[str]:
    """The names, with extras, that `install`, requirements files and a pylock.toml contain, sorted.

    What the project's own metadata requires is not repeated.
    """
    files = read_all(requirement_files(config)).files
    lines = [line for file in files for line in requirement_lines(read_requirements(file))]
    lock = find_lock(config)
    return sorted({*filter(None, map(name_and_extras, [*config.install, *lines])), *(lock.names if lock else ())})


def name_and_extras(requirement: str) -> str:
    """A requirement without versions and addresses; "" if it has no name."""
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        return ""
    return f"{parsed.name}[{','.join(sorted(parsed.extras))}]" if parsed.extras else parsed.name


def declared(config: ImageConfig) -> list[Any]:
    """What the project's files declare about dependencies, as JSON."""
    tables = [
        read_pyproject(folder) for folder in (config.root, config.project) if (folder / "pyproject.toml").exists()
    ]
    lock = find_lock(config)
    return [
        [each.get(name) for each in tables for name in DECLARING_TABLES],
        # Sources and versions of packages, which are not in the other tables.
        [table for folder in folders_around(config) for table in tables_of_uv(folder) if table],
        [hash_file(path) for path in files_that_declare(config)],
        # With the caller's variables filled in.
        [list(lines_of(read_requirements(path))) for path in named(config).files],
        stamps(map(str, searched(config))),
        [hash_file(lock.path), stamps(map(str, lock.archives))] if lock else [],
    ]


def declaring_paths(config: ImageConfig) -> Iterator[Path]:
    """The files and folders that `declared` depends on."""
    lock = find_lock(config)
    yield from (folder / PYPROJECT for folder in (config.root, config.project))
    yield from (folder / name for folder in folders_around(config) for name in (PYPROJECT, "uv.toml"))
    yield from files_that_declare(config)
    yield from searched(config)
    yield from [lock.path, *lock.archives] if lock else []


def files_that_declare(config: ImageConfig) -> list[Path]:
    """The files that `declared` hashes whole."""
    return [config.project / "setup.py", config.project / "setup.cfg", *named(config).files]


def named(config: ImageConfig) -> Named:
    """What requirements files and the caller's constraints name on this machine."""
    return read_all([*requirement_files(config), *told_files(os.environ)])


def folders_around(config: ImageConfig) -> list[Path]:
    """The folders where uv looks for settings."""
    return list(dict.fromkeys(each for folder in local_folders(config) for each in upwards(folder)))


def searched(config: ImageConfig) -> Iterator[Path]:
    """What is searched for packages here: folders with their files, and pages with the files that they link to."""
    of_uv = (place for folder in folders_around(config) for place in places_of_uv(folder))
    places = dict.fromkeys([*named(config).places, *told_places(os.environ), *of_uv])
    for path in (each for place in places for each in (place, *files_in(place))):
        yield path
        yield from linked_from(path) if path.suffix in PAGES and path.is_file() else ()


def files_in(place: Path) -> Iterable[Path]:
    """The files in a folder; none for a page."""
    return map(Path, packable_files(place)) if place.is_dir() else ()
