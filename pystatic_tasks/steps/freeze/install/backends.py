"""Finds what the result of a build backend depends on, besides the files in the project's folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from configparser import Error as ConfigParserError
from configparser import RawConfigParser
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path
from typing import Any

from pystatic_tasks.config.project import PYPROJECT, required_name, tables_of_others
from pystatic_tasks.in_env.texts import texts_in
from pystatic_tasks.steps.freeze.install.locks import upwards
from pystatic_tasks.system.files import is_packable, is_unpackable, packable_files, walk
from pystatic_tasks.system.git import told_to_builds

# These do not ask git which files it tracks; at most they read .gitignore.
ASKING_NO_GIT = {"flit-core", "hatchling", "pdm-backend", "setuptools", "uv-build", "wheel"}
# These build by themselves, without plugins, and start no program unless a project tells them to.
ALONE = {"flit-core", "hatchling", "pdm-backend", "poetry-core", "setuptools", "wheel"}
# Variables, or their beginnings, that give a version to setuptools-scm (and so hatch-vcs), pdm-backend and pbr.
GIVING_VERSIONS = ("SETUPTOOLS_SCM_PRETEND_", "VCS_VERSIONING_PRETEND_", "PDM_BUILD_SCM_VERSION", "PBR_VERSION")
# Programs in a project that setuptools, hatchling and pdm-backend run, and keys that name others.
PROGRAMS = ("setup.py", "hatch_build.py", "pdm_build.py")
NAMING_PROGRAMS = {"backend-path", "cmdclass", "custom-hook", "hooks", "run-setuptools"}
GIT = re.compile(rb"\bgit\b")
# Tables of a pyproject.toml that tell backends what to pack.
TABLES = ("flit", "hatch", "maturin", "meson-python", "pdm", "poetry", "scikit-build", "setuptools")
# hatchling reads it like [tool.hatch].
HATCH = "hatch.toml"
# Sections of a setup.cfg, or their beginnings.
OF_SETUPTOOLS = ("metadata", "options")
SEPARATORS = re.compile(r"[\s,=]+")
RULES = (".gitignore", ".hgignore")
# Stands for any number of folders in a pattern.
ANY_FOLDERS = "**"


def paths_around(folder: Path) -> list[Path]:
    """Files and folders outside a project's folder that its backend may use."""
    rules = (each / name for each in upwards(folder) if each != folder for name in RULES)
    found = set(filter(os.path.exists, [*named_around(folder), *rules]))
    # Files in a folder that was found are covered by the folder.
    return sorted(path for path in found if not any(each in found and is_packable(each, path) for each in path.parents))


def named_around(folder: Path) -> Iterator[Path]:
    """Paths that its pyproject.toml, hatch.toml or setup.cfg names for its backend, without the folders around it."""
    tables = tables_of(folder)
    tool = tables.get("tool")
    own = [*(tool.get(name) for name in TABLES if isinstance(tool, Mapping)), tables_of(folder, HATCH)]
    texts = [*texts_in([tables.get("project"), tables.get("build-system"), *own]), *words_of_setup_cfg(folder)]
    # A text with a leading slash, unless it is a key, is a pattern relative to the project's folder.
    named = [text for text in texts if ".." in text.split("/")]
    named += [key for key in map(os.path.expanduser, keys_in(own)) if key.startswith("/")]
    for path in (found for text in named for found in found_by(folder, text)):
        if path not in (folder, *folder.parents) and not path.is_relative_to(folder):
            yield path


def found_by(folder: Path, text: str) -> Iterator[Path]:
    """The paths that a path or pattern relative to a folder may match, normalized."""
    path = Path(os.path.normpath(folder / text))
    if "\0" in text:
        return
    yield path
    parts = path.parts
    fixed = parts.index(ANY_FOLDERS) if ANY_FOLDERS in parts else len(parts)
    # Path.glob() supports fewer patterns.
    for place in map(Path, glob(str(Path(*parts[:fixed])))):  # noqa: PTH207
        yield from matching(place, parts[fixed:], apart=folder) if parts[fixed:] else [place]


def matching(place: Path, pattern: Sequence[str], *, apart: Path) -> Iterator[Path]:
    """What a pattern with "**" matches below a folder, without another one; glob() would follow links in circles."""

    def is_left_out(folder: Path) -> bool:
        return folder == apart or is_unpackable(folder) or not os.access(folder, os.R_OK | os.X_OK)

    found = walk(place, is_left_out) if place.is_dir() else ()
    return (path for path in (place, *found) if matches(path.relative_to(place).parts, pattern))


def matches(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path match a pattern, in which "**" stands for any number of folders."""
    if not pattern:
        return not names
    if pattern[0] == ANY_FOLDERS:
        return matches(names, pattern[1:]) or (bool(names) and matches(names[1:], pattern))
    return bool(names) and fnmatchcase(names[0], pattern[0]) and matches(names[1:], pattern[1:])


def keys_in(value: Any) -> Iterator[str]:
    """All keys in nested tables and lists."""
    if isinstance(value, Mapping):
        yield from value
        yield from keys_in(list(value.values()))
    elif isinstance(value, list):
        yield from (key for each in value for key in keys_in(each))


def words_of_setup_cfg(folder: Path) -> list[str]:
    """The words in a project's setup.cfg that setuptools may use as paths."""
    parser = RawConfigParser()
    try:
        parser.read(folder / "setup.cfg", encoding="utf-8")
    except (ConfigParserError, UnicodeDecodeError):
        # setuptools reports what is wrong with it.
        return []
    sections = [parser[name] for name in parser if name.partition(".")[0] in OF_SETUPTOOLS]
    values = (value for section in sections for value in (*section, *section.values()))
    return [word.removeprefix("file:") for value in values for word in SEPARATORS.split(value)]


def told_beside(folder: Path) -> list[str]:
    """What a backend may learn from git, if it may ask, and the version that the caller sets by variables."""
    tables = tables_of(folder)
    project = tables.get("project")
    has_version = isinstance(project, Mapping) and "version" not in texts_in(project.get("dynamic"))
    finds_version = not has_version or (runs_own_code(folder) and names_git(folder))
    build = tables.get("build-system")
    requires = texts_in(build.get("requires")) if isinstance(build, Mapping) else ()
    asks = not requires_only(ASKING_NO_GIT, requires)
    told = told_to_builds(folder, of_version=finds_version) if finds_version or asks else []
    return [*told, *versions_told(os.environ)] if finds_version else told


def requires_only(known: Set[str], requires: Iterable[str]) -> bool:
    """Whether requirements name nothing else, in any version, and not where it comes from."""
    return all(required_name(each) in known and "@" not in each for each in requires)


def builds_alone(folder: Path) -> bool:
    """Whether a project is built by a backend alone: it has no plugins, and the project no code for it."""
    build = tables_of(folder).get("build-system")
    requires = list(texts_in(build.get("requires"))) if isinstance(build, Mapping) else []
    return bool(requires) and requires_only(ALONE, requires) and not runs_own_code(folder)


def runs_own_code(folder: Path) -> bool:
    """Whether the build of a project runs code of the project's own."""
    tables = tables_of(folder)
    tool = tables.get("tool")
    poetry = tool.get("poetry") if isinstance(tool, Mapping) else None
    keys = {*keys_in(tables.get("build-system")), *keys_in(tool), *keys_in(tables_of(folder, HATCH))}
    told = not keys.isdisjoint(NAMING_PROGRAMS) or (isinstance(poetry, Mapping) and "build" in poetry)
    return told or any((folder / name).is_file() for name in PROGRAMS) or "cmdclass" in words_of_setup_cfg(folder)


def names_git(folder: Path) -> bool:
    """Whether a module of a project may run git, for example to write the commit into another one."""
    modules = (Path(path) for path in packable_files(folder) if path.endswith(".py"))
    return any(GIT.search(module.read_bytes()) for module in modules)


def versions_told(environment: Mapping[str, str]) -> list[str]:
    """The caller's variables that set versions which would otherwise come from the repository."""
    return sorted(f"{name}={value}" for name, value in environment.items() if name.startswith(GIVING_VERSIONS))


def tables_of(folder: Path, name: str = PYPROJECT) -> Mapping[str, Any]:
    path = folder / name
    return (tables_of_others(path) or {}) if path.is_file() else {}
