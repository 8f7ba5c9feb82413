"""Copies the project's files to another folder, in another order and with other timestamps."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.steps.freeze.install.locks import find_lock
from pystatic_tasks.steps.freeze.install.project_files import local_folders
from pystatic_tasks.steps.secrets.written import Written, remembered
from pystatic_tasks.system.files import is_left_by_tools, is_ours, naming, ways
from pystatic_tasks.system.git import run_git


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A git repository: its working tree, and the folder with its data."""

    top: Path
    git_folder: Path


def copy_project(
    config: ImageConfig, folder: Path, *, keeps_times: bool = False, written: Written | None = None
) -> Path:
    """Copy everything that the project is built from.

    That is: its folders, without caches and environments that tools leave there; what git tracks around them; and what
    the configuration names. Files that the program itself wrote in earlier builds are copied only if git tracks them or
    the configuration names them.

    Files keep their positions relative to each other. The path of the copy has another length,
    and the copy belongs to the same git repository.

    Args:
        config: The image to build.
        folder: An empty folder.
        keeps_times: Whether the copies keep the modification times.
        written: What the program itself wrote in earlier builds; by default what is remembered.

    Returns:
        The copy of `image.root`.
    """
    repository = find_repository(config.root)
    paths = set(needed(config, repository, written or remembered(config)))
    above = Path(os.path.commonpath([config.root.resolve(), *(path.parent for path in paths)]))
    target = folder / above.name
    if len(str(target)) == len(str(above)):
        target = folder / "elsewhere" / above.name
    # Files are created in reverse order, so that the file system lists them in another order.
    for path in sorted(paths, reverse=True):
        copied = target / path.relative_to(above)
        copy(path, copied, paths)
        if keeps_times and copied.is_file() and not copied.is_symlink():
            os.utime(copied, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    if repository and repository.top.is_relative_to(above):
        (target / repository.top.relative_to(above) / ".git").write_text(
            f"gitdir: {repository.git_folder}\n", encoding="utf-8"
        )
    return target / config.root.resolve().relative_to(above)


def needed(config: ImageConfig, repository: Repository | None, written: Written) -> Iterator[Path]:
    """The absolute paths of all files, links and folders to copy."""
    yield from (path for path in found_below(config) if not written.is_made(path))
    yield from named_places(config)
    if repository:
        yield from (path for path in tracked(repository) if path.is_symlink() or path.is_file())


def found_below(config: ImageConfig) -> Iterator[Path]:
    """Everything in the project's folders, and in those that the configuration names."""
    folders = folders_of(config)
    results = {folder / name for folder in folders for name in ("build", "dist")}
    for folder in folders:
        yield from below(folder, results)
    for folder in named_places(config):
        if folder.is_dir() and not folder.is_symlink():
            yield from below(folder)


def named(config: ImageConfig) -> Iterable[str]:
    """The project's files and folders that its configuration names, by relative paths."""
    data = (entry.rpartition(":")[0] for entry in config.freeze.data)
    relative = (*data, *config.image.files.values(), *config.requirements)
    return (source for source in relative if not Path(source).is_absolute())


def named_places(config: ImageConfig) -> Iterator[Path]:
    """The paths of those that exist, and each path that they lead to through links; "." is the project's folder."""
    for source in named(config):
        for path in ways(Path(os.path.normpath(config.root.resolve() / source))):
            place = path.parent.resolve() / path.name
            if place.exists():
                yield place


def folders_of(config: ImageConfig) -> set[Path]:
    """The project's folder, the local folders installed with it, and the folder of its lock."""
    lock = find_lock(config)
    return {folder.resolve() for folder in (config.root, *local_folders(config), *([lock.path.parent] if lock else []))}


def below(folder: Path, results: Iterable[Path] = ()) -> Iterator[Path]:
    """Everything below a folder, except for caches, environments, build results and git's data."""
    for path in folder.iterdir():
        is_folder = path.is_dir() and not path.is_symlink()
        if path in results and path.is_dir():
            continue
        if is_folder and (path.name == ".git" or is_left_by_tools(path) or is_ours(path)):
            continue
        if path.name != ".git":
            yield path
        if is_folder:
            yield from below(path, results)


def copy(path: Path, target: Path, copied: Iterable[Path]) -> None:
    with naming(target):
        copy_one(path, target, copied)


def copy_one(path: Path, target: Path, copied: Iterable[Path]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        led_to = Path(os.path.normpath(path.parent / path.readlink()))
        target.symlink_to(path.readlink() if led_to in copied else led_to)
    elif path.is_dir():
        target.mkdir(exist_ok=True)
    elif path.is_file():
        shutil.copyfile(path, target)
        target.chmod(0o700 if os.access(path, os.X_OK) else 0o600)


def find_repository(folder: Path) -> Repository | None:
    lines = (run_git(folder, "rev-parse", "--show-toplevel", "--absolute-git-dir") or "").splitlines()
    return Repository(top=Path(lines[0]), git_folder=Path(lines[1])) if len(lines) == 2 else None


def tracked(repository: Repository) -> Iterator[Path]:
    names = run_git(repository.top, "ls-files", "-z", "--recurse-submodules") or ""
    return (repository.top / name for name in names.split("\0") if name)
