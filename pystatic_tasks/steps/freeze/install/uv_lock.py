"""Reads from a uv.lock which projects it belongs to, which packages come from folders, and what they required.

uv itself cannot be asked: it reports what it would install, but neither a project's requirements nor the owner of a
folder. Besides, this is needed in every build, even before there is an environment to install uv into.
What to install is not read here, but exported by uv.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pystatic_tasks.config.project import read_toml

# The kinds of source of a package in a folder; a virtual package has no code to install.
VIRTUAL = "virtual"
FOLDER_KINDS = ("editable", "directory", VIRTUAL)


@dataclass(frozen=True, kw_only=True)
class LockedPackage:
    """A package of a lock.

    Attributes:
        name: Its name.
        folder: Its folder; None if it does not come from a folder.
        has_code: Whether it has code to install.
        needs: Names of the packages that it needs, on any platform and with any extra or group.
        asked_for: Names in its dependencies when the lock was created.
        archives: Its wheels and its source distribution, if they are in an index on this machine.
    """

    name: str
    folder: Path | None
    has_code: bool
    needs: frozenset[str]
    asked_for: frozenset[str]
    archives: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UvLock:
    """A lock.

    Attributes:
        packages: All packages; several may have one name.
        members: Names of the packages that the lock belongs to.
    """

    packages: Sequence[LockedPackage]
    members: Sequence[str]

    def folders(self) -> dict[str, Path]:
        """The folders of packages that come from folders, by name."""
        return {each.name: each.folder for each in self.packages if each.folder}

    def reached(self, names: Iterable[str]) -> list[str]:
        """These packages and everything that they need; all packages if no names are given."""
        needs: dict[str, set[str]] = {}
        for each in self.packages:
            needs.setdefault(each.name, set()).update(each.needs)
        found: set[str] = set()
        left = set(names) or set(needs)
        while left:
            found |= left
            left = {need for name in left for need in needs.get(name, ())} - found
        return sorted(found)


def parse_uv_lock(path: Path) -> UvLock:
    """Read a uv.lock.

    Raises:
        ConfigError: it is not TOML.
        LookupError, TypeError, ValueError, AttributeError: it has another structure.
    """
    tables = read_toml(path)
    packages = [read_package(path.parent, each) for each in tables.get("package", [])]
    # A workspace of one project has no list of members.
    members = tables.get("manifest", {}).get("members") or [
        each.name for each in packages if each.folder == path.parent
    ]
    return UvLock(packages=packages, members=members)


def read_package(base: Path, table: Mapping[str, Any]) -> LockedPackage:
    source = table["source"]
    optional = [*table.get("optional-dependencies", {}).values(), *table.get("dev-dependencies", {}).values()]
    archives = [*table.get("wheels", []), table.get("sdist", {})]
    needed = [*table.get("dependencies", []), *(entry for part in optional for entry in part)]
    return LockedPackage(
        name=table["name"],
        folder=next(((base / place).resolve() for kind, place in source.items() if kind in FOLDER_KINDS), None),
        has_code=VIRTUAL not in source,
        needs=frozenset(entry["name"] for entry in needed),
        asked_for=frozenset(entry["name"] for entry in table.get("metadata", {}).get("requires-dist", [])),
        # Their paths are relative to the index.
        archives=tuple(base / source.get("registry", "") / each["path"] for each in archives if "path" in each),
    )
