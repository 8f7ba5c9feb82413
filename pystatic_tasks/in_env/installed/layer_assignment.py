"""Whose each file of a tree is, which says how often it changes.

libc: the loader and what glibc brings. python: the interpreter with its standard library,
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
from .distributions import listed_files

Installed = tuple[tuple[importlib.metadata.Distribution, tuple[str, ...]], ...]

RUNNER = "pystatic_runner"
GLIBC = re.compile(
    r"(ld-linux.*|libc|libm|libmvec|libdl|libpthread|librt|libutil|libresolv|libanl|libnsl|libnss_\w+|libgcc_s)\.so\b"
)

# Folders of an environment that Python itself and installers make.
PLACES_OF_PYTHON = ((), ("bin",), ("include",), ("lib",), ("lib64",), ("pyvenv.cfg",))


def assign_layers(root: Path, library: Path, packages: Path) -> list[TreeFile]:
    """The files of a tree.

    Args:
        root: Its folder.
        library: Folder in it with the standard library.
        packages: Folder in it with the project and its dependencies.

    Returns:
        Each with whose it is, sorted by path.
    """
    distributions = distribution_files()
    # Of a link in the tree, what it leads to decides.
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
    """Whose a file is, by where it stands in site-packages."""
    if file.parts[0] == RUNNER:
        return "third-party"
    return distributions.get(str(source_of(file)), "project")


def source_of(file: Path) -> Path:
    """The source of compiled code, wherever Python keeps that; any other file itself."""
    if file.suffix != ".pyc":
        return file
    if file.parent.name == "__pycache__":
        return file.parent.parent / f"{file.name.partition('.')[0]}.py"
    return file.with_suffix(".py")


@cache
def folder_of_python(kind: str) -> Path:
    """A folder of this Python or its environment, by the name that `sysconfig` has for it; asked for each file."""
    return Path(sysconfig.get_path(kind))


def belongs_to_interpreter(file: Path) -> bool:
    """Whether a file of a program is one of the standard library, by where it stands."""
    library = folder_of_python("stdlib")
    return file.parts[0] == library.name or (library / source_of(file)).exists()


def is_beside_packages(path: Path, prefix: Path) -> bool:
    """Whether a file below a Python's prefix is data of a distribution that lies beside the packages."""
    depth = len(prefix.parts)
    return path.parts[:depth] == prefix.parts and path.parts[depth : depth + 1] not in PLACES_OF_PYTHON


def distribution_files() -> dict[str, str]:
    """The owner of each installed file, by its path in site-packages.

    What setuptools leaves beside sources (NAME.egg-info) lists the project's files too, as nobody's.
    """
    found = {}
    for distribution, files in sorted(installed(), key=lambda each: is_local(each[0])):
        owner = "project" if is_local(distribution) else "third-party"
        found.update(dict.fromkeys(files, owner))
    return found


def installed() -> Installed:
    """All distributions, each with its files' paths in site-packages."""
    return installed_in(tuple(sys.path))


@cache
def installed_in(folders: tuple[str, ...]) -> Installed:
    """The same of some folders, which are looked through once."""
    return tuple((each, tuple(listed_files(each))) for each in importlib.metadata.distributions(path=list(folders)))


def is_local(distribution: importlib.metadata.Distribution) -> bool:
    """Whether it was installed from a folder or file of this machine (PEP 610)."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    return str(origin.get("url", "")).startswith("file:")
