"""Finds the file of the project that a build copied, even under another name."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pystatic_tasks.system.files import NODE_MODULES, Kind, hash_file, is_unpackable, scan, source_files
from pystatic_tasks.system.git import find_repository, shared_git_folder

# Paths by the size of the file in bytes; as texts, since there may be tens of thousands.
BySize = dict[int, list[str]]
# In git's folder of a repository.
SETTINGS_OF_GIT = ("config*", "modules/**/config*", "worktrees/*/config*")
SETTINGS_OF_MERCURIAL = ".hg/hgrc"


@dataclass(frozen=True, kw_only=True)
class Origins:
    """The files that a copy may have been made from.

    Attributes:
        folders: Folders whose contents are installed or imported in place.
        projects: Folders whose files a build may copy, and single files outside them.
        sites: Folders where packages are installed.
        others: Paths of files of third-party packages, also outside `sites`.
        collected: Folders outside the projects from which static files are collected.
    """

    folders: Sequence[Path]
    projects: Sequence[Path]
    sites: Sequence[Path]
    others: frozenset[str]
    collected: Sequence[Path] = ()

    def find(self, copy: Path, name: Path, is_refused: Callable[[Path], bool]) -> Path | None:
        """The file of the project that was copied; None if it is unknown, or belongs to a third party.

        Files with the same bytes are preferred to one with only the same name, which the build may have changed.
        Among files with the same bytes, one that is not refused is preferred.

        Args:
            copy: The file that a build created.
            name: Its path in the build's result.
            is_refused: Whether a file of the project is refused.
        """
        named = list(self.named(name))
        same = next((each for each in named if is_same(each, copy)), None)
        return same or self.find_by_content(copy, is_refused) or next(iter(named), None)

    def named(self, name: Path) -> Iterator[Path]:
        """Files of the project whose paths end with `name`, first those in the usual places of packages.

        After them comes a file of that path in a folder from which static files are collected.
        """
        likely = (folder / name for top in self.folders for folder in (top, top / "src"))
        yield from (each for each in likely if each.is_file())
        yield from (each for each in self.sources.get(name.name, ()) if each.as_posix().endswith(f"/{name}"))
        yield from filter(Path.is_file, (each / name for each in self.collected))

    def find_by_content(self, copy: Path, is_refused: Callable[[Path], bool]) -> Path | None:
        equal = equals(copy, self.project_files)
        allowed = next((each for each in equal if not is_refused(each)), None)
        if allowed or not equal:
            return allowed
        is_of_others = any(NODE_MODULES in each.parts for each in equal) or equals(copy, self.files_of_others)
        return None if is_of_others else equal[0]

    @cached_property
    def sources(self) -> Mapping[str, Sequence[Path]]:
        """The source files by file name, so that not all of them are searched for each copy."""
        found = defaultdict(list)
        for path in (path for folder in self.folders for path in source_files(folder)):
            found[path.name].append(path)
        return found

    @cached_property
    def project_files(self) -> BySize:
        found = dict.fromkeys(path for each in (*self.projects, *self.collected) for path in files_of_project(each))
        sites = tuple(f"{site}/" for site in self.sites)
        return by_size(path for path in found if not path.startswith(sites))

    @cached_property
    def files_of_others(self) -> BySize:
        return by_size(filter(os.path.isfile, self.others))


def files_of_project(place: Path) -> Iterator[str]:
    """A file, or the files of a folder that a build may copy."""
    if place.is_file():
        yield str(place)
        return
    repositories: list[Path] = []

    def is_left_out(folder: Path) -> bool:
        if folder.name in (".git", ".hg"):
            repositories.append(folder)
        return is_unpackable(folder)

    for path, kind in scan(place, is_left_out):
        if kind is Kind.FILE:
            yield path
            if path.endswith("/.git"):
                repositories.append(Path(path))
    yield from map(str, repository_settings(place))
    yield from (str(path) for each in repositories if each.parent != place for path in settings_in(each))


def repository_settings(folder: Path) -> Iterator[Path]:
    """Settings of the repositories that contain a folder, which may have credentials left by CI tools."""
    # Also where git is missing or refuses to read the repository, as one of another user.
    if shared := shared_git_folder(folder) or find_repository(folder):
        yield from git_settings(shared)
    yield from filter(Path.is_file, (each / SETTINGS_OF_MERCURIAL for each in (folder, *folder.parents)))


def settings_in(own: Path) -> Iterator[Path]:
    """Settings in a repository's own folder, or where the file `.git` in its place leads."""
    if own.name == ".hg":
        yield from filter(Path.is_file, [own.parent / SETTINGS_OF_MERCURIAL])
    elif shared := own if own.is_dir() else shared_git_folder(own.parent):
        yield from git_settings(shared)


def git_settings(shared: Path) -> Iterator[Path]:
    return (path for pattern in SETTINGS_OF_GIT for path in shared.glob(pattern) if path.is_file())


def by_size(paths: Iterable[str]) -> BySize:
    found = defaultdict(list)
    for path in paths:
        found[Path(path).stat().st_size].append(path)
    return found


def equals(copy: Path, files: BySize) -> list[Path]:
    """The files with the same bytes as a copy; none if it is empty."""
    size = copy.stat().st_size
    return [each for each in map(Path, files.get(size, ())) if is_same(each, copy)] if size else []


def is_same(path: Path, copy: Path) -> bool:
    """Whether two files have the same bytes; False if one cannot be read."""
    return path.stat().st_size == copy.stat().st_size and hash_file(path) == hash_file(copy) != ""
