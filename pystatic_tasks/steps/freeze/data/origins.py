"""Which file of the project a build copied, under whatever name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pystatic_tasks.system.files import NODE_MODULES, hash_file, packable_files, source_files

BySize = dict[int, list[Path]]
SETTINGS_OF_REPOSITORIES = (".git/config*", ".git/modules/**/config*", ".git/worktrees/*/config*", ".hg/hgrc")


@dataclass(frozen=True, kw_only=True)
class Origins:
    """What a copy may have been made from.

    Attributes:
        folders: Those whose contents are installed, or imported from where they are.
        projects: Those whose files a build may take, and single files beside them.
        sites: Where packages are installed.
        others: Paths of what somebody else's packages brought, also beside that.
    """

    folders: Sequence[Path]
    projects: Sequence[Path]
    sites: Sequence[Path]
    others: frozenset[str]

    def find(self, copy: Path, name: Path, is_refused: Callable[[Path], bool]) -> Path | None:
        """The file of the project that was copied; None if that is not known, or it is somebody else's.

        A file of the same bytes goes before one that is only called so, of which a build may have made another.
        Of those with the same bytes, one that is not refused goes before all others.

        Args:
            copy: The file that a build made.
            name: Its path in what was built.
            is_refused: Whether a file of the project must not go in.
        """
        named = list(self.named(name))
        same = next((each for each in named if is_same(each, copy)), None)
        return same or self.find_by_content(copy, is_refused) or next(iter(named), None)

    def named(self, name: Path) -> Iterator[Path]:
        """Files of the project that end with a path, those first where projects have their packages."""
        likely = (folder / name for top in self.folders for folder in (top, top / "src"))
        yield from (each for each in likely if each.is_file())
        yield from (each for each in self.sources.get(name.name, ()) if each.as_posix().endswith(f"/{name}"))

    def find_by_content(self, copy: Path, is_refused: Callable[[Path], bool]) -> Path | None:
        equal = equals(copy, self.project_files)
        allowed = next((each for each in equal if not is_refused(each)), None)
        if allowed or not equal:
            return allowed
        is_of_others = any(NODE_MODULES in each.parts for each in equal) or equals(copy, self.files_of_others)
        return None if is_of_others else equal[0]

    @cached_property
    def sources(self) -> Mapping[str, Sequence[Path]]:
        """The files that people wrote, by their names without folders, so that nobody looks at each for each copy."""
        found = defaultdict(list)
        for path in (path for folder in self.folders for path in source_files(folder)):
            found[path.name].append(path)
        return found

    @cached_property
    def project_files(self) -> BySize:
        found = dict.fromkeys(
            path
            for each in self.projects
            for path in ([each] if each.is_file() else [*packable_files(each), *repository_settings(each)])
        )
        return by_size(path for path in found if not any(path.is_relative_to(site) for site in self.sites))

    @cached_property
    def files_of_others(self) -> BySize:
        return by_size(filter(Path.is_file, map(Path, self.others)))


def repository_settings(folder: Path) -> Iterator[Path]:
    """What of a repository's own files may hold credentials, as tools for CI leave them there."""
    for pattern in SETTINGS_OF_REPOSITORIES:
        yield from filter(Path.is_file, folder.glob(pattern))


def by_size(paths: Iterable[Path]) -> BySize:
    found = defaultdict(list)
    for path in paths:
        found[path.stat().st_size].append(path)
    return found


def equals(copy: Path, files: BySize) -> list[Path]:
    """Files with the bytes of a copy, if it has any."""
    size = copy.stat().st_size
    return [each for each in files.get(size, ()) if is_same(each, copy)] if size else []


def is_same(path: Path, copy: Path) -> bool:
    """Whether two files have the same bytes; not if one of them cannot be read."""
    return path.stat().st_size == copy.stat().st_size and hash_file(path) == hash_file(copy) != ""
