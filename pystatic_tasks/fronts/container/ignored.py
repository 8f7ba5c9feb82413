"""What git ignores in a project on the caller's machine, for the project's copy in a container.

Git would answer differently there: the caller's own rules and repositories inside the project are missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.fronts.rebuild.elsewhere import Repository, find_repository, folders_of, named, needed
from pystatic_tasks.steps.secrets.ignored import Told
from pystatic_tasks.steps.secrets.written import remembered
from pystatic_tasks.system.git import Ignored, ignored_below


@dataclass(frozen=True, kw_only=True)
class Said:
    """What git ignores in a folder; all paths are relative to the project's folder, with slashes.

    Attributes:
        folder: The folder.
        paths: Ignored files and folders below it, including those that repositories inside it ignore.
        itself: Whether the folder as a whole is ignored.
    """

    folder: str
    paths: tuple[str, ...]
    itself: bool


def ask(config: ImageConfig) -> tuple[Said, ...]:
    """Ask git about the project and its repository, the folders copied or named with it, and each repository inside.

    Raises:
        MissingToolError: one of these lies in a repository, and git is missing or fails.
    """
    root, repository = config.root.resolve(), find_repository(config.root)
    asked = list(dict.fromkeys(folders(config, repository)))
    found = needed(config, repository, remembered(config))
    repositories = {path.resolve() for path in found if is_repository(path)}
    inner = {folder: ignored_inside(folder) for folder in repositories}

    def from_root(path: Path) -> str:
        return Path(os.path.relpath(path, root)).as_posix()

    def said(folder: Path) -> Said:
        ignored = ignored_below(folder)
        within = [path for each, paths in inner.items() if folder in each.parents for path in paths]
        return Said(
            folder=from_root(folder), paths=tuple(map(from_root, [*ignored.paths, *within])), itself=ignored.itself
        )

    return tuple(map(said, asked))


def ignored_inside(repository: Path) -> tuple[Path, ...]:
    """What a repository inside the project ignores; all of it if git does not answer."""
    try:
        return ignored_below(repository).paths
    except MissingToolError:
        return (repository,)


def is_repository(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and os.path.lexists(path / ".git")


def folders(config: ImageConfig, repository: Repository | None) -> Iterator[Path]:
    """The folders that the guard may ask git about, with links resolved."""
    tops = [repository.top] if repository else []
    yield from (folder.resolve() for folder in (config.root, config.project, *folders_of(config), *tops))
    sources = (config.root / source for source in named(config))
    yield from (path.resolve() for path in sources if path.is_dir())


def told_of_copy(said: tuple[Said, ...], root: Path) -> Told:
    """Git's answers, applied to the copy of the project's folder; other folders keep their relative positions."""

    def in_copy(path: str) -> Path:
        return Path(os.path.normpath(root / path))

    return Told(
        folders={
            str(in_copy(each.folder)): Ignored(paths=tuple(map(in_copy, each.paths)), itself=each.itself)
            for each in said
        }
    )
