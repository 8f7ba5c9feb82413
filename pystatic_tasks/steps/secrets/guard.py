"""Refuses data of a project that may get into an image by accident: secrets, ignored files, files outside the project.

Only files of the project, and of other projects on this machine that are installed with it, are checked, and only
those that are not listed by hand: package data, and files in folders that the configuration names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError, MissingToolError
from pystatic_tasks.steps.secrets.contents import reason_of_file
from pystatic_tasks.steps.secrets.ignored import ignored_below
from pystatic_tasks.steps.secrets.names import GITS_OWN, reason_of_name
from pystatic_tasks.steps.secrets.values import OF_VARIABLE, reason_of_values, says_what_was_built
from pystatic_tasks.steps.secrets.written import remembered
from pystatic_tasks.system.files import ways
from pystatic_tasks.system.git import Ignored, is_git_folder
from pystatic_tasks.system.texts import printable

IGNORED = "git ignores it"
LIST_BY_HAND = "Remove what must not go in, and list what should go in under tool.pystatic-tasks.{key}: {entries}."
ELSEWHERE = "Let observe.env have the program write elsewhere."
NO_SECRET = "If the value of your variable is not secret, set the value itself in smoke.env or observe.env."
# For built files, and for names that cannot be written in the configuration.
NOTHING_TO_LIST = (
    "Nothing can be listed for {names}: change what a build makes it of, such as pyproject.toml, or its name."
)
WRITTEN = "the program itself wrote it while it was imported or observed"
# What setuptools writes into a folder *.egg-info, and pdm-backend into .pdm-build/*.dist-info; git ignores it in most
# projects, and `importlib.metadata` reads it.
METADATA_OF_A_BUILD = (
    *("PKG-INFO", "SOURCES.txt", "dependency_links.txt", "entry_points.txt", "namespace_packages.txt"),
    *("requires.txt", "top_level.txt", "zip-safe", "not-zip-safe", "METADATA", "WHEEL"),
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A file that would be included.

    Attributes:
        source: The file.
        place: Its destination in the program or in the image.
        entry: The entry that would list it by hand; "" if no entry can name it.
        origin: The file of the project that it was copied from, or itself; None if unknown.
        folder: The folder that the configuration names, if the file is included as part of one.
        project: The folder of the project that it belongs to, which may not be the one that is built.
        beside: The folder outside of the projects that a build backend was told to take, if the file is in one.
        is_written: Whether the program itself wrote it while it was imported or observed.
    """

    source: Path
    place: str
    entry: str
    origin: Path | None
    folder: Path | None = None
    project: Path | None = None
    beside: Path | None = None
    is_written: bool = False

    @cached_property
    def places(self) -> list[Path]:
        """The path of the project's file, and each path that it leads to through links."""
        return list(ways(self.origin)) if self.origin else []


class Guard:
    """Finds out why files of a project are refused; each folder is looked at once, though many files are in it."""

    def __init__(self, config: ImageConfig) -> None:
        self.config = config
        self.ignored = cache(ignored_below)
        self.ways = cache(lambda folder: list(ways(folder)))
        self.is_in_git_folder = cache(is_in_git_folder)
        self.repositories_between = cache(repositories_between)

    def refuse(self, candidates: Iterable[Candidate], key: str) -> None:
        """Refuse what must not be included.

        Args:
            candidates: The project's files that are not listed by hand.
            key: The configuration key that lists files.

        Raises:
            ConfigError: with all files that are refused, and the entries that would allow them.
            MissingToolError: git cannot be asked what it ignores.
        """
        found = sorted(self.refused_among(candidates), key=lambda pair: pair[0].place)
        if found:
            shown = {candidate: shown_path(self.config, candidate) for candidate, _ in found}
            files = list(dict.fromkeys(in_one_line(f"{shown[candidate]}: {reason}") for candidate, reason in found))
            count = "1 file" if len(files) == 1 else f"{len(files)} files"
            entries = dict.fromkeys(candidate.entry for candidate in shown if candidate.entry)
            others = dict.fromkeys(in_one_line(path) for candidate, path in shown.items() if not candidate.entry)
            remedies = [ELSEWHERE] if any(candidate.is_written for candidate in shown) else []
            remedies += [NO_SECRET] if any(reason.startswith(OF_VARIABLE) for _, reason in found) else []
            remedies += [LIST_BY_HAND.format(key=key, entries=", ".join(entries))] if entries else []
            remedies += [NOTHING_TO_LIST.format(names=", ".join(others))] if others else []
            problem = f"{count} of the project would go into {self.config.name} unasked:"
            raise ConfigError(problem, " ".join(remedies), files)

    def refused_among(self, candidates: Iterable[Candidate]) -> Iterator[tuple[Candidate, str]]:
        """The candidates that are refused, each with the reason.

        Raises:
            MissingToolError: git cannot be asked what it ignores.
        """
        for candidate in candidates:
            reason = (
                self.reason_of_names(candidate)
                or self.reason_of_repository(candidate)
                or (reason_of_file(candidate.source, file_names(candidate)) if candidate.source.is_file() else "")
                or reason_of_values(self.config, candidate.source)
                or (WRITTEN if candidate.is_written else "")
                or self.reason_of_origin(candidate)
            )
            if reason:
                yield candidate, reason

    def reason_of_names(self, candidate: Candidate) -> str:
        """Why the file is refused by its destination, its path, or a path that it leads to through links, or ""."""
        names = [candidate.place, *map(self.name_of, candidate.places)]
        return next(filter(None, map(reason_of_name, names)), "")

    def reason_of_repository(self, candidate: Candidate) -> str:
        """GITS_OWN if the file, or a place that it leads to, is in git's own folder of a repository; or ""."""
        tops = frozenset(self.project_folders(candidate))
        return GITS_OWN if any(self.is_in_git_folder(path.parent, tops) for path in candidate.places) else ""

    def reason_of_origin(self, candidate: Candidate) -> str:
        """Why the file is refused by the place of its origin in the project, or by git, or ""."""
        return self.reason_of_place(candidate) or self.reason_of_git(candidate)

    def reason_of_place(self, candidate: Candidate) -> str:
        """Why links are refused: they leave the project and the named folder, even if they lead back in; or ""."""
        if not candidate.origin:
            return ""
        base = self.base_of(candidate, candidate.origin) or candidate.origin.parent
        around = [*self.folders_around(candidate), *self.ways(base)]
        outside = (path for path in candidate.places if not any(path.is_relative_to(folder) for folder in around))
        return next((f"a link to {path}" for path in outside), "")

    def reason_of_git(self, candidate: Candidate) -> str:
        """IGNORED if git ignores the file, except metadata of builds and files in a named folder that is ignored."""
        for path in candidate.places:
            if is_metadata_of_a_build(path):
                continue
            base, named = self.base_of(candidate, path) or repository_of(path), self.named_folders(candidate)
            found = list(map(self.ignored, [base, *self.repositories_between(base, path.parent)]))
            by_hand = any(path.is_relative_to(each) and is_ignored(each, found) for each in named)
            elsewhere = base in named and base not in self.project_folders(candidate) and found[0].itself
            if is_ignored(path, found) and not by_hand and not elsewhere:
                return IGNORED
        return ""

    def name_of(self, path: Path) -> str:
        """The path relative to the project, or to the innermost folder that contains both."""
        shared = (os.path.commonpath([path, top]) for top in self.built_folders)
        return os.path.relpath(path, max(shared, key=len))

    def base_of(self, candidate: Candidate, path: Path) -> Path | None:
        """The one of the folders around the candidate that contains a path; None if none does."""
        return next((each for each in self.folders_around(candidate) if path.is_relative_to(each)), None)

    def folders_around(self, candidate: Candidate) -> list[Path]:
        """The projects' folders, and the folders that a build backend and the configuration name."""
        beside = self.ways(candidate.beside) if candidate.beside else []
        return [*self.project_folders(candidate), *beside, *self.named_folders(candidate)]

    def project_folders(self, candidate: Candidate) -> list[Path]:
        """The folders of the project that is built, and of the one that the file belongs to."""
        other = self.ways(candidate.project) if candidate.project else []
        return list(dict.fromkeys([*self.built_folders, *other]))

    @cached_property
    def built_folders(self) -> list[Path]:
        """The folders of the project that is built."""
        folders = (self.config.root, self.config.project)
        return list(dict.fromkeys(way for folder in folders for way in self.ways(folder)))

    def named_folders(self, candidate: Candidate) -> list[Path]:
        return self.ways(candidate.folder) if candidate.folder else []


def why_refused(config: ImageConfig, path: Path, place: str) -> str:
    """Why a file or folder of the project would be refused if it were not listed by hand, or ""."""
    is_written = remembered(config).holds(path)
    candidate = Candidate(source=path, place=place, entry="", origin=path, is_written=is_written)
    try:
        return next((reason for _, reason in Guard(config).refused_among([candidate])), "")
    except MissingToolError:
        return "git does not say whether it ignores it"


def shown_path(config: ImageConfig, candidate: Candidate) -> str:
    """The path to show to the user: relative to the project's folder, or else the destination in the program."""
    return os.path.relpath(candidate.origin, config.root) if candidate.origin else candidate.place


def in_one_line(text: str) -> str:
    """The text in one line of printable characters."""
    return printable(text, len(text))


def file_names(candidate: Candidate) -> list[str]:
    """The names of the file in the image, in the project, and at each path that it leads to through links."""
    return [PurePosixPath(candidate.place).name, *(path.name for path in candidate.places)]


def is_in_git_folder(folder: Path, tops: frozenset[Path]) -> bool:
    """Whether a folder is git's own of a repository or lies in it, but not in a project or a checkout there."""
    inside = takewhile(lambda each: each not in tops and not is_checkout(each), (folder, *folder.parents))
    return any(map(is_git_folder, inside))


def repository_of(path: Path) -> Path:
    """The folder of the repository that contains a path, or else the path's own folder."""
    return next(filter(is_checkout, path.parents), path.parent)


def is_metadata_of_a_build(path: Path) -> bool:
    return says_what_was_built(path) and path.name in METADATA_OF_A_BUILD


def repositories_between(top: Path, folder: Path) -> list[Path]:
    """Repositories from a folder up to the one below `top`, such as submodules; git does not look into them."""
    return list(filter(is_checkout, takewhile(lambda each: each != top, (folder, *folder.parents))))


def is_checkout(folder: Path) -> bool:
    return os.path.lexists(folder / ".git")


def is_ignored(path: Path, found: Iterable[Ignored]) -> bool:
    return any(each.holds(path) for each in found)
