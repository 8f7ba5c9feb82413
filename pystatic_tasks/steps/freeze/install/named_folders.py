"""Finds the folders of this machine that an installer will build projects in, before it is run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import is_path, read_pyproject
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.freeze.install.asked_for import group_requirements, named
from pystatic_tasks.steps.freeze.install.project_files import local_folders
from pystatic_tasks.steps.freeze.install.requirements import paths_of, read_requirements, requirement_lines


def folders_to_build(config: ImageConfig) -> list[Path]:
    """The local folders, and those that requirements of any of these name.

    Those that only build backends or locks of these folders know are missing.
    """
    waiting, found = [*local_folders(config), *folders_asked_for(config)], dict[Path, None]()
    while waiting:
        folder = waiting.pop(0).resolve()
        if folder not in found:
            found[folder] = None
            waiting += folders_in_pyproject(folder)
    return list(found)


def folders_asked_for(config: ImageConfig) -> Iterator[Path]:
    """What the configuration names, its requirements files, and the caller's constraints."""
    groups = group_requirements(config) if config.groups else ()
    yield from folders_in((*config.install, *groups), [config.root])
    files = named(config)
    yield from files.editable
    for file in files.files:
        yield from folders_in(requirement_lines(read_requirements(file)), [file.parent, Path.cwd()])


def folders_in_pyproject(folder: Path) -> Iterator[Path]:
    """What a project's pyproject.toml names; nothing if it is not valid, which an installer will say."""
    try:
        tables = read_pyproject(folder)
    except ConfigError:
        return
    yield from folders_in(needs_in(tables), [folder])
    tool = tables.get("tool", {})
    for path in (path for name in ("uv", "poetry") for path in paths_in(tool.get(name))):
        yield from folders_at(path, [folder])


def needs_in(tables: Mapping[str, Any]) -> Iterator[str]:
    """What a project requires to run and to be built, by its pyproject.toml."""
    project, build, tool = (tables.get(name, {}) for name in ("project", "build-system", "tool"))
    yield from texts_in([project.get("dependencies"), project.get("optional-dependencies")])
    yield from texts_in(build.get("requires")) if isinstance(build, Mapping) else ()
    poetry = tool.get("poetry")
    yield from texts_in([poetry.get("dependencies"), poetry.get("group")]) if isinstance(poetry, Mapping) else ()


def folders_in(requirements: Iterable[str], folders: Iterable[Path]) -> Iterator[Path]:
    """The folders that requirements name by URLs or paths, which are relative to one of these folders."""
    for requirement in requirements:
        yield from folders_at(place_in(requirement), folders)


def folders_at(place: str, folders: Iterable[Path]) -> Iterator[Path]:
    """The folders at a URL or a path, if there are any."""
    with contextlib.suppress(OSError, ValueError):
        yield from filter(Path.is_dir, paths_of(place, folders))


def place_in(requirement: str) -> str:
    """The URL or the path in a requirement; "" if it has none."""
    with contextlib.suppress(InvalidRequirement):
        return Requirement(requirement).url or ""
    path = requirement.partition(" ")[0].partition("[")[0]
    return path if is_path(path) or path.startswith("file:") else ""


def texts_in(value: Any) -> Iterator[str]:
    """All texts in a value of a TOML file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, Mapping)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from texts_in(each)


def paths_in(table: Any) -> Iterator[str]:
    """The paths of sources of packages in a tool's table: the values of all keys `path`."""
    if isinstance(table, Mapping):
        yield from [table["path"]] if isinstance(table.get("path"), str) else []
        table = list(table.values())
    for value in table if isinstance(table, list) else ():
        yield from paths_in(value)
