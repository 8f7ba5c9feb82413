"""Describes a project from its files alone."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pystatic_tasks.config.project import TABLE, is_installable, read_pyproject
from pystatic_tasks.init.hints import file_hints, hints
from pystatic_tasks.init.modules import Code, is_beside_the_code, is_project, python_files, read_code
from pystatic_tasks.init.targets import Candidate, Hint, candidates, hinted
from pystatic_tasks.steps.freeze.install.locks import UV_LOCK, upwards

# How many levels below a repository's root to look for projects.
DEEPEST_PROJECT = 3
# Folders that setuptools never takes for a project's package (its module `discovery`).
NOT_DISCOVERED = {
    *("ci", "bin", "debian", "doc", "docs", "documentation", "manpages", "news", "newsfragments", "changelog"),
    *("test", "tests", "unit_test", "unit_tests", "example", "examples", "scripts", "tools", "util", "utils"),
    *("python", "build", "dist", "venv", "env", "requirements", "tasks", "fabfile", "site_scons"),
    *("benchmark", "benchmarks", "exercise", "exercises", "htmlcov"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Project:
    """One project, as its files describe it.

    Attributes:
        root: Its folder.
        pyproject: The tables of its pyproject.toml; empty if there is no such file.
        installable: Whether pip can install it.
        virtual: Whether uv has a lock for it and installs only its dependencies, not the project itself.
        folders: Folders from which its modules are imported.
        code: Its modules.
        hints: What its other files serve.
    """

    root: Path
    pyproject: Mapping[str, Any]
    installable: bool
    virtual: bool
    folders: tuple[Path, ...]
    code: Code
    hints: tuple[Hint, ...]

    @property
    def scripts(self) -> Mapping[str, str]:
        """The entries of `[project.scripts]`."""
        found = at(self.pyproject, "project", "scripts")
        return {name: value for name, value in found.items() if isinstance(value, str)}

    @cached_property
    def applications(self) -> Sequence[Candidate]:
        """What its code shows to be an application, or a function that makes one."""
        return candidates(self.code)

    @cached_property
    def served(self) -> Sequence[Candidate]:
        """The applications, and what only its other files show to be served."""
        return [*self.applications, *hinted(self.code, self.hints, self.applications)]

    @property
    def table(self) -> Mapping[str, Any]:
        """The current `[tool.pystatic-tasks]`."""
        return at(self.pyproject, "tool", TABLE)


def look(root: Path) -> Project:
    """Read a project.

    Raises:
        ConfigError: its pyproject.toml cannot be read.
    """
    pyproject = read_pyproject(root) if (root / "pyproject.toml").exists() else {}
    virtual = is_virtual(root, pyproject)
    installable = is_installable(root, pyproject) and not virtual
    folders = import_folders(root, pyproject, installable=installable)
    code = read_code(root, folders)
    return Project(
        root=root,
        pyproject=pyproject,
        installable=installable,
        virtual=virtual,
        folders=folders,
        code=code,
        hints=tuple(hints(root, code)),
    )


def is_virtual(root: Path, pyproject: Mapping[str, Any]) -> bool:
    """Whether uv does not install the project itself, and has a lock to install its dependencies from.

    https://docs.astral.sh/uv/concepts/projects/config/#project-packaging
    """
    is_package = at(pyproject, "tool", "uv").get("package", "build-system" in pyproject)
    locked = any((folder / UV_LOCK).is_file() for folder in upwards(root))
    return "project" in pyproject and not is_package and locked and not (root / "setup.py").exists()


def at(tables: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The table at a path; empty if there is none."""
    found: Any = tables
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def import_folders(root: Path, pyproject: Mapping[str, Any], *, installable: bool) -> tuple[Path, ...]:
    """The folders that modules are imported from, for an installed project or one that is used in place."""
    named = [folder for name in named_folders(pyproject) if (folder := (root / name).resolve()).is_dir()]
    if named:
        return tuple(dict.fromkeys(named))
    source = root / "src"
    if not source.is_dir() or is_package(root, source) or not any(source.rglob("*.py")):
        return (root,)
    return (source,) if installable else (source, root)


def is_package(root: Path, folder: Path) -> bool:
    """Whether a folder is itself a package, judging by its files or by how the code imports it."""
    if (folder / "__init__.py").exists():
        return True
    if any(module.startswith(f"{folder.name}.") for module, _ in file_hints(root)):
        return True
    used = re.compile(rf"^\s*(from|import)\s+{folder.name}\b".encode(), re.MULTILINE)
    return any(used.search(path.read_bytes()) for path in python_files(root, ()))


def named_folders(pyproject: Mapping[str, Any]) -> Iterator[str]:
    """The source folders that the build backends' own tables name."""
    tool = at(pyproject, "tool")
    found: list[Any] = [at(tool, "setuptools", "package-dir").get("")]
    where = at(tool, "setuptools", "packages", "find").get("where")
    found += where if isinstance(where, list) else []
    poetry = at(tool, "poetry").get("packages")
    found += [each.get("from") for each in poetry if isinstance(each, Mapping)] if isinstance(poetry, list) else []
    packages = at(tool, "hatch", "build", "targets", "wheel").get("packages")
    paths = [each for each in packages if isinstance(each, str)] if isinstance(packages, list) else []
    found += [str(Path(each).parent) for each in paths]
    found += [at(tool, "pdm", "build").get("package-dir"), at(tool, "uv", "build-backend").get("module-root")]
    return (each or "." for each in found if isinstance(each, str))


def undiscovered(project: Project) -> list[str]:
    """The packages among which setuptools would refuse to choose, so that pip cannot install the project.

    https://setuptools.pypa.io/en/latest/userguide/package_discovery.html
    """
    backend = at(project.pyproject, "build-system").get("build-backend", "setuptools.build_meta")
    configured = at(project.pyproject, "tool", "setuptools").keys() & {"packages", "py-modules", "package-dir"}
    own_files = [project.root / "setup.py", project.root / "setup.cfg"]
    if not project.installable or "setuptools" not in str(backend) or configured or (project.root / "src").is_dir():
        return []
    if any(path.exists() for path in own_files):
        return []
    folders = [path.name for path in project.root.iterdir() if path.is_dir() and path.name.isidentifier()]
    found = sorted(name for name in folders if name not in NOT_DISCOVERED and not name.startswith("_"))
    return found if len(found) > 1 else []


def projects_below(root: Path, pyproject: Mapping[str, Any]) -> list[Path]:
    """The projects in a repository: members of uv's workspace, and other folders that look like a project."""
    workspace = at(pyproject, "tool", "uv", "workspace")
    patterns = [each for each in texts(workspace.get("members")) if each and ".." not in each and each[0] != "/"]
    members = [path for pattern in patterns for path in sorted(root.glob(pattern.rstrip("/")))]
    left_out = texts(workspace.get("exclude"))
    found = [*(path for path in members if (path / "pyproject.toml").is_file()), *nearest_projects(root, 1)]
    return [
        path
        for path in sorted(set(found))
        if path != root and not any(fnmatch.fnmatch(path.relative_to(root).as_posix(), each) for each in left_out)
    ]


def texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def nearest_projects(folder: Path, depth: int) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if not path.is_dir() or path.is_symlink() or not os.access(path, os.R_OK | os.X_OK):
            continue
        if is_project(path):
            yield path
        elif depth < DEEPEST_PROJECT and not is_beside_the_code(path):
            yield from nearest_projects(path, depth + 1)
