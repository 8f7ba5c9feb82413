"""The files of the system that a program was frozen on, of which an image takes some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.in_env.attribution.packages import packages_of
from pystatic_tasks.in_env.protocol import Component


@dataclass(frozen=True, kw_only=True)
class SystemFiles:
    """Those of this machine."""

    def place(self, path: str) -> Path:
        """Where the file lies that the system has at that path."""
        return Path(path)

    def path_of(self, place: Path) -> str:
        """The path that the system has a file at; of a file of somebody else's, its own."""
        return str(place)

    def packages_of(self, paths: Iterable[str]) -> Mapping[str, Component]:
        """The packages that own some of its files, by path."""
        return packages_of(paths)


@dataclass(frozen=True, kw_only=True)
class CopiedFiles(SystemFiles):
    """Copies of those of a container.

    Attributes:
        folder: What they lie in, each at the path that it has there.
        packages: Those that own some of them, by path.
    """

    folder: Path
    packages: Mapping[str, Component]

    def place(self, path: str) -> Path:
        return self.folder / path.lstrip("/")

    def path_of(self, place: Path) -> str:
        return f"/{place.relative_to(self.folder).as_posix()}" if place.is_relative_to(self.folder) else str(place)

    def packages_of(self, paths: Iterable[str]) -> Mapping[str, Component]:
        return {path: self.packages[path] for path in paths if path in self.packages}
