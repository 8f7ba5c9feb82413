"""Lists the project's folders, and hashes what is installed and imported from them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import PYPROJECT, is_path, tables_of_others
from pystatic_tasks.in_env.stamps import stamps
from pystatic_tasks.steps.freeze.install.backends import paths_around, told_beside
from pystatic_tasks.steps.freeze.install.installed import locals_in
from pystatic_tasks.steps.freeze.install.locks import find_lock
from pystatic_tasks.system.files import (
    NODE_MODULES,
    Kind,
    fingerprint,
    hash_file,
    hash_files,
    hash_tree,
    is_unpackable,
    look_of,
    scan,
    source_files,
)

# Files that may contain names of classes: code, and settings such as those of logging.
TEXT_SUFFIXES = (".py", ".toml", ".yaml", ".yml", ".json", ".ini", ".cfg")


def sources(config: ImageConfig, *, whole: bool = False) -> str:
    """A hash of everything that is installed from folders; `whole` as in `hash_sources`."""
    return fingerprint([hash_built(folder, whole=whole) for folder in built_folders(config)])


def built_folders(config: ImageConfig) -> list[Path]:
    """The folders that `sources` hashes."""
    # `local_folders` includes the project's folder even if nothing is installed.
    return [folder for folder in local_folders(config) if config.install or folder != config.root]


def local_folders(config: ImageConfig) -> list[Path]:
    """Folders whose contents are installed, or imported in place."""
    entries = [config.root / entry.partition("[")[0] for entry in config.install if is_path(entry)]
    installed = [folder.resolve() for folder in entries if folder.is_dir()] or [config.root]
    lock = find_lock(config)
    locked = [folder for folder in lock.folders.values() if folder.is_dir()] if lock else []
    return list(dict.fromkeys([*installed, *locked]))


def linked(config: ImageConfig, python: Path) -> str:
    """A hash of what is installed from this machine without being named in the configuration or the lock."""
    paths = linked_paths(config, python)
    return fingerprint([hash_built(path, whole=True) if path.is_dir() else hash_file(path) for path in paths])


def linked_paths(config: ImageConfig, python: Path) -> list[Path]:
    """The folders and archives that `linked` hashes."""
    named = {path.resolve() for path in local_folders(config)}
    return sorted({each.origin for each in locals_in(python) if each.origin.resolve() not in named})


def editable_sources(python: Path) -> str:
    """A hash of `editable_folders`."""
    return fingerprint([hash_sources(folder, whole=True) for folder in editable_folders(python)])


def editable_folders(python: Path) -> list[Path]:
    """The folders of editable installs."""
    return sorted({each.origin for each in locals_in(python) if each.is_editable})


def hash_built(folder: Path, *, whole: bool = False) -> str:
    """A hash of what a build backend builds a distribution from; `whole` as in `hash_sources`."""
    around = {
        os.path.relpath(path, folder): hash_sources(path, whole=True) if path.is_dir() else hash_tree(path)
        for path in paths_around(folder)
    }
    return fingerprint([hash_sources(folder, whole=whole), around, told_beside(folder)])


def built_paths(folders: Iterable[Path]) -> Iterator[str]:
    """The files, folders and archives that `hash_built` depends on."""
    return (path for folder in folders for each in (folder, *paths_around(folder)) for path in source_paths(each))


def source_paths(folder: Path) -> Iterator[str]:
    """A file, or a folder with the files and folders in it that `hash_sources` depends on."""
    yield str(folder)
    yield from (path for path, _ in scan(folder, is_unpackable)) if folder.is_dir() else ()


def hash_sources(folder: Path, *, whole: bool = False) -> str:
    """A hash of the names and contents of the project's files, without our own table in a pyproject.toml.

    Args:
        folder: The project's folder.
        whole: Whether to hash each pyproject.toml whole.
    """
    # A build backend may or may not follow links to folders.
    found = scan(folder, is_unpackable)
    paths = [path for path, kind in found if kind is Kind.FILE or (kind is Kind.FOLDER and Path(path).is_symlink())]
    installed = [path for path in paths if f"/{NODE_MODULES}/" in path.removeprefix(str(folder))]
    written = sorted({*paths} - {*installed})
    declaring = [] if whole else [path for path in written if path.endswith(f"/{PYPROJECT}")]
    tables = [(path.removeprefix(f"{folder}/"), hash_tables(Path(path)), look_of(Path(path))) for path in declaring]
    # There are tens of thousands of the installed ones.
    return fingerprint([hash_files(folder, {*written} - {*declaring}), stamps(installed), tables])


def hash_tables(path: Path) -> str:
    """A hash of a pyproject.toml without our own table."""
    tables = tables_of_others(path)
    # In their order, since a build backend's output may depend on it.
    return hash_file(path) if tables is None else fingerprint(json.dumps(tables, default=str))


def files_with_names(config: ImageConfig) -> list[Path]:
    """The files in the project's folders, installed or not, that are searched for names."""
    files = (path for folder in local_folders(config) for path in source_files(folder))
    return [path for path in files if path.suffix in TEXT_SUFFIXES]


def hash_names(config: ImageConfig) -> str:
    """A hash of these files, without our own table in a pyproject.toml."""
    hashed = {True: hash_tables, False: hash_file}
    return fingerprint({str(path): hashed[path.name == PYPROJECT](path) for path in files_with_names(config)})


def import_paths(config: ImageConfig) -> Sequence[str]:
    """Further folders to import from, for a project that is not installed."""
    return [] if config.install else [str(config.root), str(config.root / "src")]


def script_folder(config: ImageConfig) -> Sequence[str]:
    """The folder of a script, which imports modules beside it; empty if the target is not a script."""
    return [os.path.normpath((config.root / config.script).parent)] if config.script else []


def loose_files(config: ImageConfig) -> list[Path]:
    """The files in folders that are imported in place."""
    folders = [*map(Path, script_folder(config)), *([] if config.install else [config.root])]
    return list(dict.fromkeys(path for folder in folders for path in source_files(folder)))
