"""Finds the system files that an image takes, on the system on which the program was frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.in_env.attribution.packages import packages_of
from pystatic_tasks.in_env.protocol import Component


@dataclass(frozen=True, kw_only=True)
class SystemFiles:
    """The files of this machine."""

    def place(self, path: str) -> Path:
        """Where the system's file at this path lies on this machine."""
        return Path(path)

    def path_of(self, place: Path) -> str:
        """The path of a file in its system; for files of another system, their own path."""
        return str(place)

    def packages_of(self, paths: Iterable[str]) -> Mapping[str, Component]:
        """The packages that own these files, by path."""
        return packages_of(paths)


@dataclass(frozen=True, kw_only=True)
class CopiedFiles(SystemFiles):
    """Copies of the files of a container.

    Attributes:
        folder: The folder of the copies, each at its path in the container.
        packages: The packages that own some of the files, by path.
    """

    folder: Path
    packages: Mapping[str, Component]

    def place(self, path: str) -> Path:
        return self.folder / path.lstrip("/")

    def path_of(self, place: Path) -> str:
        return f"/{place.relative_to(self.folder).as_posix()}" if place.is_relative_to(self.folder) else str(place)

    def packages_of(self, paths: Iterable[str]) -> Mapping[str, Component]:
        return {path: self.packages[path] for path in paths if path in self.packages}
