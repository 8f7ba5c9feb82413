"""Finds what the program changes in the project and its packages while it is imported and observed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.in_env.installed.elsewhere import changes
from pystatic_tasks.steps.build_environment import site_packages
from pystatic_tasks.steps.freeze.data.own_data import environment_around, source_folders
from pystatic_tasks.steps.freeze.install.installed import entries_of, records
from pystatic_tasks.steps.freeze.install.project_files import import_paths, script_folder
from pystatic_tasks.steps.secrets.written import Written
from pystatic_tasks.system.files import NODE_MODULES, hash_file, is_unpackable, walk_files

# Folders without data of the project; node_modules contains only third-party files.
APART = (NODE_MODULES, "__pycache__", ".git")


def files_there(config: ImageConfig, python: Path, earlier: Written) -> dict[str, str]:
    """Files that may become data of a program, before it runs, without those that it created in earlier builds.

    Returns:
        Hashes of the contents by resolved paths; "" for files that the program overwrote in earlier builds.
    """
    found = (path for folder in data_folders(config, python) if folder.is_dir() for path in files_below(folder))
    paths = {os.path.realpath(path) for path in found if not earlier.is_made(path)}
    return {path: "" if path in earlier.changed else hash_file(Path(path)) for path in paths}


def data_folders(config: ImageConfig, python: Path) -> list[Path]:
    """The folders of projects, installed or not, whose files may be data of a program."""
    loose = map(Path, [*import_paths(config), *script_folder(config)])
    return list(dict.fromkeys([config.root, config.project, *source_folders(config, python), *loose]))


def files_below(folder: Path) -> Iterator[Path]:
    return walk_files(folder, leave_out=lambda path: path.name in APART or is_unpackable(path))


def find_written(
    config: ImageConfig, python: Path, changed: Iterable[str], there: Mapping[str, str], earlier: Written, began: int
) -> Written:
    """What the program wrote, now and in earlier builds, without files whose content stayed the same.

    Args:
        config: What is frozen.
        python: The interpreter of the build environment.
        changed: Paths of files and folders that the program created, renamed or wrote.
        there: The files that existed before, from `files_there`.
        earlier: What it wrote in earlier builds.
        began: When it started, in nanoseconds since the epoch.
    """
    paths = places_of(config, python, changed)
    if not paths:
        return earlier
    installed = (record.parent.resolve() / record.name for record in records(python))
    known = {**dict(entry for record in installed for entry in entries_of(record)), **there}
    folders = {str(parent) for path in known for parent in Path(path).parents}
    files = set(changes(files_of(path for path in paths if path not in folders), began))
    made = earlier.made | (files - known.keys())
    written_over = {path for path in files & known.keys() if not known[path] or hash_file(Path(path)) != known[path]}
    return replace(earlier, made=made, changed=(earlier.changed | written_over) - made)


def places_of(config: ImageConfig, python: Path, changed: Iterable[str]) -> list[str]:
    """The resolved paths that are in folders with possible data of a program."""
    folders = [*data_folders(config, python), *site_packages(python), *environment_around(python)]
    roots = tuple(f"{os.path.realpath(each)}/" for each in folders)
    work = f"{os.path.realpath(config.work)}/"
    paths = [path for path in map(os.path.realpath, changed) if path.startswith(roots) and not path.startswith(work)]
    return [path for path in paths if set(APART).isdisjoint(Path(path).parts)]


def files_of(paths: Iterable[str]) -> Iterator[str]:
    """The files among these paths, and the files in the folders among them."""
    for path in paths:
        inside = map(os.path.realpath, files_below(Path(path))) if Path(path).is_dir() else [path]
        yield from filter(os.path.isfile, inside)
