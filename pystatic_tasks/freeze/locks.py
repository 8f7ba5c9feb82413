"""The project's lock file: uv.lock, or pylock.toml (PEP 751), and how uv installs what it names."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pystatic_tasks.config.model import Image
from pystatic_tasks.errors import ConfigError, FreezeError, PystaticError
from pystatic_tasks.host import Host, last_lines, run_logged, tool_environment
from pystatic_tasks.pipeline import shown
from pystatic_tasks.project import is_local, normalized_name, read_pyproject, read_toml

UV_LOCK, PYLOCK = "uv.lock", "pylock.toml"
# What uv writes of a package that lies in a folder; a virtual one has no code to install.
FOLDER_KINDS = ("editable", "directory")


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock file that is of the project.

    Attributes:
        path: The file.
        projects: Folders of the projects that it is of, each with its name.
        folders: Packages that it takes from other folders, by name.
    """

    path: Path
    projects: Mapping[Path, str]
    folders: Mapping[str, Path]

    def holds(self, image: Image, entry: str) -> bool:
        """Whether an entry of `install` is of a folder that the lock is of, or takes packages from."""
        return is_local(entry) and folder_of(image, entry) in (*self.projects, *self.folders.values())


def folder_of(image: Image, entry: str) -> Path:
    return (image.root / entry.partition("[")[0]).resolve()


def extras_of(entry: str) -> list[str]:
    names = entry.partition("[")[2].partition("]")[0].split(",")
    return [name.strip() for name in names if name.strip()]


def find_lock(image: Image) -> Lock | None:
    """The lock that is installed from, if there is one.

    Raises:
        ConfigError: it is none.
    """
    if not image.locked:
        return None
    project = image.project.resolve()
    try:
        for path in (folder / UV_LOCK for folder in (*upwards(project), image.root.resolve())):
            lock = read_uv_lock(image, path) if path.is_file() else None
            if lock:
                return lock
        path = project / PYLOCK
        return read_pylock(image, path) if path.is_file() else None
    except (LookupError, TypeError, ValueError, AttributeError):
        raise ConfigError(
            f"{path} does not have the form of a lock file.", "Make it anew, or set tool.pystatic-tasks.locked = false."
        ) from None


def upwards(folder: Path) -> Iterator[Path]:
    """The folder and those above it, up to that of the repository."""
    for each in (folder, *folder.parents):
        yield each
        if (each / ".git").exists():
            return


def read_uv_lock(image: Image, path: Path) -> Lock | None:
    """What stands in a uv.lock; None if it is of other projects.

    Raises:
        ConfigError: a project asks for something that came after the lock was made.
    """
    tables = read_toml(path)
    packages: Sequence[Mapping[str, Any]] = tables.get("package", [])
    places = {
        each["name"]: (path.parent / place).resolve()
        for each in packages
        for kind, place in each["source"].items()
        if kind in (*FOLDER_KINDS, "virtual")
    }
    # A workspace of one project has no list of members.
    members = tables.get("manifest", {}).get("members") or [name for name in places if places[name] == path.parent]
    projects = {places[name]: name for name in members if name in places}
    if image.project.resolve() not in (path.parent, *projects):
        return None
    installed = {folder_of(image, entry) for entry in image.install if is_local(entry)} or {image.project.resolve()}
    named = {folder: name for folder, name in projects.items() if folder in installed}
    check_known(path, packages, named)
    without_code = {each["name"] for each in packages if "virtual" in each["source"]}
    wanted = [name for name in reached(packages, named.values()) if name in places and name not in without_code]
    return Lock(
        path=path,
        projects=named,
        folders={name: places[name] for name in wanted if name not in named.values()},
    )


def check_known(path: Path, packages: Iterable[Mapping[str, Any]], projects: Mapping[Path, str]) -> None:
    known = {
        each["name"]: {each["name"], *(entry["name"] for entry in each.get("metadata", {}).get("requires-dist", []))}
        for each in packages
    }
    for folder, name in projects.items():
        asked = read_pyproject(folder).get("project", {}).get("dependencies", [])
        missing = sorted({plain_name(each) for each in asked} - known[name])
        if missing:
            raise ConfigError(
                f"{folder / 'pyproject.toml'} asks for {', '.join(missing)}, and {path} does not know of it.",
                "Run uv lock, or set tool.pystatic-tasks.locked = false.",
            )


def plain_name(requirement: str) -> str:
    """The name in a requirement, as locks write it."""
    name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]
    return normalized_name(name)


def reached(packages: Iterable[Mapping[str, Any]], names: Iterable[str]) -> list[str]:
    """These packages and what they need, on any platform and with any extra or group."""
    needs: dict[str, set[str]] = {}
    for each in packages:
        optional = [*each.get("optional-dependencies", {}).values(), *each.get("dev-dependencies", {}).values()]
        entries = [*each.get("dependencies", []), *(entry for part in optional for entry in part)]
        needs.setdefault(each["name"], set()).update(entry["name"] for entry in entries)
    found: set[str] = set()
    left = set(names) or set(needs)
    while left:
        found |= left
        left = {need for name in left for need in needs.get(name, ())} - found
    return sorted(found)


def read_pylock(image: Image, path: Path) -> Lock:
    folders = {
        each["name"]: (path.parent / each["directory"]["path"]).resolve()
        for each in read_toml(path)["packages"]
        if "directory" in each
    }
    return Lock(path=path, projects={image.project.resolve(): ""}, folders=folders)


def install_lock(
    image: Image,
    host: Host,
    lock: Lock,
    *,
    extras: Sequence[str],
    groups: Sequence[str],
    variables: Mapping[str, str],
) -> None:
    """Install what the lock names into the build environment, and leave alone what else is there.

    Raises:
        ConfigError: uv cannot read the lock.
        FreezeError: uv cannot install what it names.
    """
    uv = find_uv(host)
    words = [*options("--extra", extras), *options("--group", groups)]
    file = lock.path
    if lock.path.name == UV_LOCK:
        file, words = export(image, host, lock, uv, words), []
    log = image.work / "lock-install.log"
    # The cache knows nothing of a change in a folder's sources.
    again = options("--reinstall-package", lock.folders)
    command = [uv, "pip", "install", "--python", host.python, "-r", file, *words, *again]
    if run_uv(host, lock, command, log, {**variables, "UV_NO_EDITABLE": "1"}) != 0:
        raise failed(image, lock, log, FreezeError, "install what {} names", "Repair what it names")


def export(image: Image, host: Host, lock: Lock, uv: str, words: Sequence[str]) -> Path:
    """What stands in uv.lock for these projects, as a pylock.toml; paths in it start from its folder."""
    file, log = image.work / PYLOCK, image.work / "lock-export.log"
    file.unlink(missing_ok=True)
    names = list(lock.projects.values())
    command = [
        *(uv, "export", "--frozen", "--no-default-groups", "--no-editable", "--python", host.python),
        *(*options("--package", names), *options("--no-emit-package", names), *words),
        *("--format", "pylock.toml", "--output-file", file),
    ]
    if run_uv(host, lock, command, log, {}) != 0:
        raise failed(image, lock, log, ConfigError, "read {}", "Run uv lock (or take a newer uv)")
    return file


def run_uv(host: Host, lock: Lock, command: Sequence[object], log: Path, variables: Mapping[str, str]) -> int:
    """Run uv where the lock is, for the settings there."""
    return run_logged(
        command, log, verbose=host.verbose, cwd=lock.path.parent, env=tool_environment({**variables, "NO_COLOR": "1"})
    )


def failed(image: Image, lock: Lock, log: Path, kind: type[PystaticError], what: str, remedy: str) -> PystaticError:
    return kind(
        f"uv cannot {what.format(shown(image, lock.path))}; its output is in {shown(image, log)} and ends so:",
        f"{remedy}, or set tool.pystatic-tasks.locked = false.",
        last_lines(log),
    )


def options(name: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (name, value)]


def find_uv(host: Host) -> str:
    """The uv on the PATH, or one beside the tools in the build environment."""
    own = host.python.parent / "uv"
    found = shutil.which("uv")
    if found is None and not own.exists():
        host.install(["uv"])
    return found or str(own)
