"""What the program changes in the project and among the packages while it is imported and observed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.in_env.elsewhere import changes
from pystatic_tasks.steps.build_environment import site_packages
from pystatic_tasks.steps.freeze.installed import listed_in, locals_in, records
from pystatic_tasks.steps.freeze.own_data import environment_around, source_folders
from pystatic_tasks.steps.freeze.project_files import import_paths, script_folder
from pystatic_tasks.steps.written import Written
from pystatic_tasks.system.files import NODE_MODULES, is_unpackable, walk

# Of these nothing is data; in the former everything is somebody else's.
APART = (NODE_MODULES, "__pycache__", ".git")


def files_there(config: ImageConfig, python: Path) -> frozenset[str]:
    """The files that a program may have as data and no RECORD lists, before it is run; by paths without links."""
    editable = (each.origin for each in locals_in(python) if each.is_editable)
    folders = [*map(Path, [*import_paths(config), *script_folder(config)]), *editable]
    found = (path for folder in folders if folder.is_dir() for path in files_below(folder))
    return frozenset(map(os.path.realpath, found))


def files_below(folder: Path) -> Iterator[Path]:
    return walk(folder, leave_out=lambda path: path.name in APART or is_unpackable(path))


def find_written(
    config: ImageConfig, python: Path, changed: Iterable[str], there: frozenset[str], earlier: Written, began: int
) -> Written:
    """What the program wrote, now and earlier.

    Args:
        config: What is frozen.
        python: The interpreter of the build environment.
        changed: Paths of files and folders that the program made, renamed or wrote.
        there: What was there before, by `files_there`.
        earlier: What it wrote in earlier builds.
        began: When it was started, in nanoseconds since the epoch.
    """
    files = frozenset(files_of(config, python, changed, began))
    known = there.union(*map(listed_in, records(python))) if files else there
    made = earlier.made | {path for path in files if path not in known}
    return Written(made=made, changed=(earlier.changed | files) - made)


def files_of(config: ImageConfig, python: Path, changed: Iterable[str], began: int) -> Iterator[str]:
    """The files among these paths, and in the folders among them, which may be data of a program."""
    scripts = map(Path, script_folder(config))
    folders = [config.root, config.project, *source_folders(config, python), *scripts, *site_packages(python)]
    roots = [f"{os.path.realpath(each)}/" for each in (*folders, *environment_around(python))]
    work = f"{os.path.realpath(config.work)}/"
    for path in map(os.path.realpath, changed):
        if not path.startswith(tuple(roots)) or path.startswith(work) or not set(APART).isdisjoint(Path(path).parts):
            continue
        inside = map(os.path.realpath, files_below(Path(path))) if Path(path).is_dir() else [path]
        yield from filter(os.path.isfile, changes(inside, began))
