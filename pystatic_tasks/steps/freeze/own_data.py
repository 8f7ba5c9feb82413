"""The project's own data that goes into the program, and whether nothing of it goes in by accident."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path, PurePosixPath

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.in_env.layer_assignment import is_local
from pystatic_tasks.in_env.protocol import DataFile
from pystatic_tasks.steps.build_environment import site_packages
from pystatic_tasks.steps.freeze.environment import import_paths, local_folders
from pystatic_tasks.steps.freeze.origins import Origins
from pystatic_tasks.steps.ignored import ignored_below
from pystatic_tasks.steps.secret_guard import Asked, Candidate, reason_of_origin, refuse
from pystatic_tasks.system.files import walk


def check_own_data(config: ImageConfig, python: Path, data: Iterable[Sequence[str]]) -> None:
    """Refuse secrets, what git ignores and what lies outside of the project, unless `freeze.data` names the file.

    Args:
        config: What is frozen.
        python: The interpreter of the build environment.
        data: Pairs (source path, folder in the program) of what goes in by itself.

    Raises:
        ConfigError: something is refused.
    """
    listed = [(source, place) for source, place in named_data(config) if source.is_file()]
    places = {place for _, place in listed}
    # A build may have given the file another name.
    copied = {(source, Path(place).parent) for source, place in listed}
    asked = cache(ignored_below)
    candidates = [*packaged(config, python, data, asked), *collected(config), *in_folders(config)]
    unlisted = {
        each.place: each
        for each in candidates
        if each.place not in places and (each.origin, Path(each.place).parent) not in copied
    }
    refuse(config, unlisted.values(), "freeze.data", asked)


def of_project(config: ImageConfig, python: Path, data: Iterable[DataFile]) -> Iterator[DataFile]:
    """Of all data of a program, what lies in the project's folders or among installed packages.

    Args:
        config: What was frozen.
        python: The interpreter of the build environment, which may lie in the project like what we make.
        data: Pairs (source path, folder in the program).
    """
    folders = [*local_folders(config), config.root, config.project]
    sites = site_packages(python)
    apart = [each for each in (config.work, python.parents[1], python.resolve().parents[1]) if is_in(each, folders)]
    for source, folder in data:
        path = Path(source)
        if is_in(path, sites) or (is_in(path, folders) and not is_in(path, apart)):
            yield source, folder


def is_in(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def named_data(config: ImageConfig) -> Iterator[tuple[Path, str]]:
    """What `freeze.data` names, each with its place in the program."""
    for source, _, folder in (entry.rpartition(":") for entry in config.freeze.data):
        path = config.root / source
        yield path, place_in(folder, path.name) if path.is_file() else os.path.normpath(folder)


def packaged(config: ImageConfig, python: Path, data: Iterable[Sequence[str]], asked: Asked) -> Iterator[Candidate]:
    """What goes in by itself and is not of a distribution of somebody else's."""
    sites = site_packages(python)
    folders = local_folders(config)
    projects = list(dict.fromkeys([*folders, config.root, config.project]))
    origins = Origins(folders=folders, projects=projects, sites=sites, own=frozenset(local_files(sites)))
    for source, folder in data:
        path = Path(source)
        site = next((site for site in sites if path.is_relative_to(site)), None)
        if path.is_file() and (site is None or path in origins.own):
            yield traced(config, path, place_in(folder, path.name), site or config.work / "program", origins, asked)


def traced(config: ImageConfig, path: Path, place: str, inside: Path, origins: Origins, asked: Asked) -> Candidate:
    """A file that goes in by itself, with the file of the project that it was copied from into the folder `inside`."""

    def candidate(origin: Path | None) -> Candidate:
        return make_candidate(config, path, place, origin, folder_around(config, origin, place))

    def is_refused(origin: Path) -> bool:
        return bool(reason_of_origin(config, candidate(origin), asked))

    if not path.is_relative_to(inside):
        return candidate(path)
    return candidate(origins.find(path, path.relative_to(inside), is_refused))


def folder_around(config: ImageConfig, origin: Path | None, place: str) -> Path | None:
    """The folder that `freeze.data` names, with the place for it, that the file of the project lies in."""
    named = (
        folder
        for folder, of_folder in named_data(config)
        if origin and origin.is_relative_to(folder) and PurePosixPath(place).is_relative_to(of_folder)
    )
    return next((folder for folder in named if folder.is_dir()), None)


def local_files(sites: Iterable[Path]) -> set[Path]:
    """What was installed from folders and files of this machine."""
    return {
        Path(str(distribution.locate_file(file)))
        for distribution in importlib.metadata.distributions(path=list(map(str, sites)))
        if is_local(distribution)
        for file in distribution.files or ()
    }


def collected(config: ImageConfig) -> Iterator[Candidate]:
    """Packages that are taken whole and are not installed, but lie in the project."""
    for name in config.freeze.collect:
        package = name.replace(".", "/")
        for folder in (Path(each, package) for each in import_paths(config)):
            yield from members(config, folder, package)


def in_folders(config: ImageConfig) -> Iterator[Candidate]:
    """The files of the folders that `freeze.data` names."""
    for folder, place in named_data(config):
        yield from members(config, folder, place)


def members(config: ImageConfig, folder: Path, place: str) -> Iterator[Candidate]:
    for path in walk(folder) if folder.is_dir() else ():
        if path.is_file():
            yield make_candidate(config, path, place_in(place, path.relative_to(folder)), path, folder)


def make_candidate(
    config: ImageConfig, source: Path, place: str, origin: Path | None, folder: Path | None = None
) -> Candidate:
    name = os.path.relpath(origin, config.root) if origin else place
    entry = f'"{name}:{PurePosixPath(place).parent}"'
    return Candidate(source=source, place=place, entry=entry, origin=origin, folder=folder)


def place_in(folder: str, name: str | Path) -> str:
    return os.path.normpath(f"{folder}/{name}")
