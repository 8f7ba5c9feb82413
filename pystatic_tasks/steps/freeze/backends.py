"""What decides what a build backend makes of a project, beside the files in the project's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pystatic_tasks.config.project import PYPROJECT, required_name, tables_of_others
from pystatic_tasks.in_env.texts import texts_in
from pystatic_tasks.steps.freeze.locks import upwards
from pystatic_tasks.system.git import told_to_builds

# They pack what lies there and no rule of .gitignore leaves out, whatever git tracks.
ASKING_NO_GIT = {"flit-core", "hatchling", "pdm-backend", "setuptools", "uv-build", "wheel"}
# Those of a pyproject.toml in which backends are told what to pack.
TABLES = ("flit", "hatch", "maturin", "meson-python", "pdm", "poetry", "scikit-build", "setuptools")
RULES = (".gitignore", ".hgignore")


def paths_around(folder: Path) -> list[Path]:
    """Files and folders outside of a project's folder by which its backend may go."""
    rules = (each / name for each in upwards(folder) if each != folder for name in RULES)
    return sorted(set(filter(os.path.exists, [*named_around(folder), *rules])))


def named_around(folder: Path) -> Iterator[Path]:
    """Those that its pyproject.toml names for its backend, but for the folders around it."""
    tables = tables_of(folder)
    tool = tables.get("tool")
    own = [tool.get(name) for name in TABLES] if isinstance(tool, Mapping) else []
    for text in texts_in([tables.get("project"), tables.get("build-system"), *own]):
        path = Path(os.path.normpath(folder / text))
        if text.startswith("../") and path not in (folder, *folder.parents) and not path.is_relative_to(folder):
            yield path


def told_by_git(folder: Path) -> list[str]:
    """What git says of a project to its backend, if that may ask."""
    tables = tables_of(folder)
    project = tables.get("project")
    finds_version = not isinstance(project, Mapping) or "version" in texts_in(project.get("dynamic"))
    build = tables.get("build-system")
    requires = texts_in(build.get("requires")) if isinstance(build, Mapping) else ()
    asks = not set(map(required_name, requires)) <= ASKING_NO_GIT
    return told_to_builds(folder, of_version=finds_version) if finds_version or asks else []


def tables_of(folder: Path) -> Mapping[str, Any]:
    path = folder / PYPROJECT
    return (tables_of_others(path) or {}) if path.is_file() else {}
