"""Assigns each file of a tree to a layer, by its owner: files of one owner change equally often.

libc: the loader and the libraries of glibc. python: the interpreter with its standard library,
and the system's libraries that it needs. third-party: the dependencies. project: the project itself.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import sys
import sysconfig
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ..protocol import TreeFile
from .distributions import installed_distributions, listed_files

Installed = tuple[tuple[importlib.metadata.Distribution, tuple[str, ...]], ...]

RUNNER = "pystatic_runner"
GLIBC = re.compile(
    r"(ld-linux.*|libc|libm|libmvec|libdl|libpthread|librt|libutil|libresolv|libanl|libnsl|libnss_\w+|libgcc_s)\.so\b"
)

# Entries of an environment that Python itself and installers create.
PLACES_OF_PYTHON = ((), ("bin",), ("include",), ("lib",), ("lib64",), ("pyvenv.cfg",))


def assign_layers(root: Path, library: Path, packages: Path) -> list[TreeFile]:
    """The files of a tree.

    Args:
        root: Its folder.
        library: Folder in it with the standard library.
        packages: Folder in it with the project and its dependencies.

    Returns:
        Each file with its owner, sorted by path.
    """
    distributions = distribution_files()
    # A link belongs to the owner of its target.
    place = packages.resolve()
    found = []
    for path in sorted(each for each in root.rglob("*") if each.is_symlink() or not each.is_dir()):
        if path.is_relative_to(packages) or is_beside_packages(path, library.parents[1]):
            owner = owner_of(Path(os.path.relpath(path.resolve(), place)), distributions)
        elif path.parent == root:
            owner = "project"
        else:
            is_glibc = not path.is_relative_to(library) and GLIBC.match(path.name)
            owner = "libc" if is_glibc else "python"
        found.append(TreeFile(path=f"/{path.relative_to(root)}", owner=owner))
    return found


def owner_of(file: Path, distributions: Mapping[str, str]) -> str:
    """The owner of a file, by its path in site-packages."""
    if file.parts[0] == RUNNER:
        return "third-party"
    return distributions.get(str(source_of(file)), "project")


def source_of(file: Path) -> Path:
    """The source of a file of bytecode, in `__pycache__` or not; any other file itself."""
    if file.suffix != ".pyc":
        return file
    if file.parent.name == "__pycache__":
        return file.parent.parent / f"{file.name.partition('.')[0]}.py"
    return file.with_suffix(".py")


@cache
def folder_of_python(kind: str) -> Path:
    """A folder of this Python or its environment, by its name in `sysconfig`; cached, as it is needed for each file."""
    return Path(sysconfig.get_path(kind))


def belongs_to_interpreter(file: Path) -> bool:
    """Whether a file of a program belongs to the standard library, by its path."""
    library = folder_of_python("stdlib")
    return file.parts[0] == library.name or (library / source_of(file)).exists()


def is_beside_packages(path: Path, prefix: Path) -> bool:
    """Whether a file below a Python's prefix is data that a distribution installs outside site-packages."""
    depth = len(prefix.parts)
    return path.parts[:depth] == prefix.parts and path.parts[depth : depth + 1] not in PLACES_OF_PYTHON


def distribution_files() -> dict[str, str]:
    """The owner of each installed file, by its path in site-packages.

    The NAME.egg-info that setuptools leaves beside sources lists the project's files too, but has no direct_url.json;
    local distributions therefore come last and win.
    """
    found = {}
    for distribution, files in sorted(installed(), key=lambda each: is_local(each[0])):
        owner = "project" if is_local(distribution) else "third-party"
        found.update(dict.fromkeys(files, owner))
    return found


def installed() -> Installed:
    """All distributions, each with the paths of its files in site-packages."""
    return installed_in(tuple(sys.path))


@cache
def installed_in(folders: tuple[str, ...]) -> Installed:
    """The same for some folders; cached."""
    return tuple((each, tuple(listed_files(each))) for each in installed_distributions(folders))


def is_local(distribution: importlib.metadata.Distribution) -> bool:
    """Whether it was installed from a folder or a file on this machine (PEP 610)."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    return str(origin.get("url", "")).startswith("file:")
