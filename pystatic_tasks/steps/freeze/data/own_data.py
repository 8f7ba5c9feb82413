"""Finds the project's own data that goes into the program, and refuses what may be there by accident."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.rules import check_data
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.in_env.protocol import DataFile
from pystatic_tasks.steps.build_environment import site_packages
from pystatic_tasks.steps.freeze.data.origins import Origins, is_same
from pystatic_tasks.steps.freeze.install.backends import paths_around
from pystatic_tasks.steps.freeze.install.installed import files_of_others
from pystatic_tasks.steps.freeze.install.project_files import import_paths, linked_paths, local_folders
from pystatic_tasks.steps.secrets.guard import NO_SECRET, Candidate, Guard
from pystatic_tasks.steps.secrets.values import reason_of_values, says_what_was_built
from pystatic_tasks.steps.secrets.written import Written, remembered
from pystatic_tasks.system.files import walk, ways
from pystatic_tasks.system.git import checkout_of
from pystatic_tasks.system.texts import toml_text

# Files here belong to the system, except those of a project that is here.
SYSTEM = tuple(map(Path, ("/etc", "/lib", "/lib64", "/usr")))


def check_own_data(
    config: ImageConfig,
    python: Path,
    data: Iterable[Sequence[str]],
    written: Written | None = None,
    static_folders: Iterable[str] = (),
) -> None:
    """Refuse secrets, what git ignores, what is outside the project, and what the program itself wrote.

    Files that `freeze.data` names are not refused.

    Args:
        config: What is frozen.
        python: The interpreter of the build environment.
        data: Pairs (source path, folder in the program) of data that is included automatically.
        written: What the program itself wrote; by default what is remembered.
        static_folders: Folders from which static files were collected.

    Raises:
        ConfigError: something is refused.
    """
    listed = [(source, place) for source, place in named_data(config) if source.is_file()]
    guard = Guard(config)
    written = written or remembered(config)
    origins = origins_of(config, python, static_folders)
    found = [*packaged(config, python, data, origins, guard, written), *collected(config), *in_folders(config)]
    candidates = [replace(each, is_written=written.holds(each.source)) for each in found]
    # If two files have one destination, check both, since either may be used.
    unlisted = {(each.place, each.source): each for each in candidates if not is_listed(each, listed)}
    # For a built file the origin may be unknown, and git may ignore it; so git must be able to answer.
    if not all(says_what_was_built(each.source) for each in unlisted.values()):
        for folder in dict.fromkeys([config.root, config.project]):
            guard.ignored(folder)
    guard.refuse(unlisted.values(), "freeze.data")


def is_listed(candidate: Candidate, listed: Iterable[tuple[Path, str]]) -> bool:
    """Whether it is a file that is listed by hand, not another one with the same destination."""
    folder = PurePosixPath(candidate.place).parent
    for source, place in listed:
        # A build may have renamed or changed the file.
        is_origin = candidate.origin is not None and candidate.origin.resolve() == source.resolve()
        if candidate.is_written and not is_same(source, candidate.source):
            continue
        if is_origin and PurePosixPath(place).parent == folder:
            return True
        if place == candidate.place and (candidate.origin is None or is_same(source, candidate.source)):
            return True
    return False


def without_written(
    config: ImageConfig, data: Iterable[DataFile], written: Written
) -> tuple[list[DataFile], list[DataFile]]:
    """Split data files into those that stay, and those that are left out because the program itself created them.

    In neither are files that it wrote, created or not, whose destination is that of a file listed by hand.
    """
    listed = {place for source, place in named_data(config) if source.is_file()}
    stays: list[DataFile] = []
    left_out: list[DataFile] = []
    for source, folder in data:
        if not written.holds(source):
            stays.append((source, folder))
        elif place_in(folder, Path(source).name) not in listed:
            (left_out if written.is_made(source) else stays).append((source, folder))
    return stays, left_out


def check_own_modules(config: ImageConfig, sources: Iterable[str], written: Written) -> None:
    """Refuse modules that the program itself wrote and that contain a value of the caller's variables.

    Raises:
        ConfigError: there are such modules.
    """
    found = {path: reason_of_values(config, Path(path)) for path in sources if written.holds(path)}
    refused = [f"{os.path.relpath(path, config.root)}: {reason}" for path, reason in sorted(found.items()) if reason]
    if refused:
        count = "1 module" if len(refused) == 1 else f"{len(refused)} modules"
        raise ConfigError(
            f"{count} that {config.name} itself wrote while it was imported or observed would be included:",
            f"Let observe.env have the program write elsewhere, or nothing that is secret. {NO_SECRET}",
            refused,
        )


def of_project(config: ImageConfig, python: Path, base_prefix: str, data: Iterable[DataFile]) -> Iterator[DataFile]:
    """The data of a program that may be the project's: not the system's, Python's, or from our work folder.

    Args:
        config: What was frozen.
        python: The interpreter of the build environment, which may be inside the project, like our work folder.
        base_prefix: Prefix of the Python that the environment was created from.
        data: Pairs (source path, folder in the program).
    """
    base = Path(base_prefix)
    theirs = [*SYSTEM, config.work, python.parents[1], python.resolve().parents[1], base, base.resolve()]
    may_be_ours = dict.fromkeys(theirs, False)
    may_be_ours |= dict.fromkeys([*source_folders(config, python), config.root, config.project], True)
    may_be_ours |= dict.fromkeys(site_packages(python), True)
    for source, folder in data:
        innermost = next((each for each in Path(source).parents if each in may_be_ours), None)
        if innermost is None or may_be_ours[innermost]:
            yield source, folder


def source_folders(config: ImageConfig, python: Path) -> list[Path]:
    """The folders on this machine whose contents are installed or imported in place, whatever names them.

    A folder behind a link is listed under both paths, since Python uses the real one.
    """
    folders = [*local_folders(config), *filter(Path.is_dir, linked_paths(config, python))]
    return list(dict.fromkeys([*folders, *(folder.resolve() for folder in folders)]))


def named_data(config: ImageConfig) -> Iterator[tuple[Path, str]]:
    """The files and folders that `freeze.data` names, each with its destination in the program."""
    for source, _, folder in (entry.rpartition(":") for entry in config.freeze.data):
        path = config.root / source
        yield path, place_in(folder, path.name) if path.is_file() else os.path.normpath(folder)


def origins_of(config: ImageConfig, python: Path, static_folders: Iterable[str]) -> Origins:
    folders = source_folders(config, python)
    around = [path for folder in folders for path in paths_around(folder)]
    projects = list(dict.fromkeys([*folders, config.root, config.project, *around]))
    return Origins(
        folders=folders,
        projects=projects,
        sites=site_packages(python),
        others=files_of_others(python),
        collected=list(of_people(config, python, projects, map(Path, static_folders))),
    )


def of_people(config: ImageConfig, python: Path, projects: Iterable[Path], folders: Iterable[Path]) -> Iterator[Path]:
    """The folders outside the projects that belong neither to the system nor to a Python.

    Folders in the project's repository are people's even if the repository is in a folder of the system.
    """
    theirs = [*SYSTEM, python.parents[1], python.resolve().parents[1], *site_packages(python)]
    counts = {**dict.fromkeys(theirs, False), checkout_of(config.root): True}
    counts |= dict.fromkeys((way for project in projects for way in ways(project)), False)
    for folder in filter(Path.is_dir, folders):
        innermost = (next((each for each in (way, *way.parents) if each in counts), None) for way in ways(folder))
        if all(each is None or counts[each] for each in innermost):
            yield folder


def packaged(
    config: ImageConfig,
    python: Path,
    data: Iterable[Sequence[str]],
    origins: Origins,
    guard: Guard,
    written: Written,
) -> Iterator[Candidate]:
    """Automatically included files that belong to no third-party distribution, or that the program has overwritten."""
    made = [*origins.sites, *environment_around(python), config.work / "program"]
    for path, folder in ((Path(source), folder) for source, folder in data):
        if path.is_file() and (str(path) not in origins.others or written.holds(path)):
            yield traced(config, path, place_in(folder, path.name), made, origins, guard)


def environment_around(python: Path) -> list[Path]:
    """The folder of a virtual environment, where wheels install data; empty otherwise: other prefixes have more."""
    prefix = python.parents[1]
    return [prefix] if (prefix / "pyvenv.cfg").is_file() else []


def traced(
    config: ImageConfig, path: Path, place: str, made: Sequence[Path], origins: Origins, guard: Guard
) -> Candidate:
    """An automatically included file, with the project's file that it was copied from if it is in a `made` folder."""

    def candidate(origin: Path | None) -> Candidate:
        project = innermost_around(origins.folders, origin)
        beside = innermost_around(filter(Path.is_dir, origins.projects), origin)
        folder = folder_around(config, origin, place) or (None if beside else collected_around(origins, origin))
        return replace(make_candidate(config, path, place, origin, folder), project=project, beside=beside)

    def is_refused(origin: Path) -> bool:
        return bool(guard.reason_of_origin(candidate(origin)))

    inside = next((each for each in made if path.is_relative_to(each)), None)
    return candidate(origins.find(path, path.relative_to(inside), is_refused) if inside else path)


def innermost_around(folders: Iterable[Path], origin: Path | None) -> Path | None:
    around = (each for each in folders if origin and origin.is_relative_to(each))
    return max(around, key=lambda each: len(each.parts), default=None)


def collected_around(origins: Origins, origin: Path | None) -> Path | None:
    return next((each for each in origins.collected if origin and origin.is_relative_to(each)), None)


def folder_around(config: ImageConfig, origin: Path | None, place: str) -> Path | None:
    """The folder named in `freeze.data` that contains the project's file and fits its destination."""
    named = (
        folder
        for folder, of_folder in named_data(config)
        if origin and origin.is_relative_to(folder) and PurePosixPath(place).is_relative_to(of_folder)
    )
    return next((folder for folder in named if folder.is_dir()), None)


def collected(config: ImageConfig) -> Iterator[Candidate]:
    """The files of packages that are included whole and are not installed, but in the project."""
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
    # A built file may also exist in the project, as another file.
    file = origin or config.root / place
    entry = entry_of(os.path.relpath(file, config.root), str(PurePosixPath(place).parent)) if file.is_file() else ""
    return Candidate(source=source, place=place, entry=entry, origin=origin, folder=folder)


def entry_of(name: str, folder: str) -> str:
    """The entry of `freeze.data` for a file, or "" if no entry can have such a name."""
    entry = f"{name}:{folder}"
    try:
        check_data(entry)
    except ValueError:
        return ""
    return "" if ":" in folder else toml_text(entry)


def place_in(folder: str, name: str | Path) -> str:
    return os.path.normpath(f"{folder}/{name}")
