"""Whose each file of a tree is, which says how often it changes.

libc: the loader and what glibc brings. python: the interpreter with its extensions and standard library,
and the system's libraries that they need. third-party: the dependencies. project: the project itself.
"""

from __future__ import annotations

import importlib.metadata
import json
import sysconfig
from collections.abc import Mapping
from pathlib import Path

RUNNER = "pystatic_runner"


def owners(root: Path, contents: Path) -> list[dict[str, str]]:
    """The files of a tree.

    Args:
        root: Folder with the program, and what the loader needs beside it.
        contents: Folder in it with all that the program imports and reads.

    Returns:
        [{"path": from the root, with a leading "/", "owner": whose it is}], sorted by path.
    """
    distributions = distribution_files()
    found = []
    for path in sorted(each for each in root.rglob("*") if each.is_symlink() or not each.is_dir()):
        target = path.resolve()
        if target.is_relative_to(contents):
            owner = owner_of(target.relative_to(contents), distributions)
        else:
            owner = "project" if path.parent == root else "libc"
        found.append({"path": f"/{path.relative_to(root)}", "owner": owner})
    return found


def owner_of(file: Path, distributions: Mapping[str, str]) -> str:
    """Whose a file is, by where it stands: as in site-packages, or as in the standard library."""
    source = file.with_suffix(".py") if file.suffix == ".pyc" else file
    if str(source) in distributions:
        return distributions[str(source)]
    if file.parts[0] == RUNNER:
        return "third-party"
    library = Path(sysconfig.get_path("stdlib"))
    is_interpreters = (library / source).exists() or file.parts[0] == library.name
    is_systems = len(file.parts) == 1 and ".so" in file.suffixes
    return "python" if is_interpreters or is_systems else "project"


def distribution_files() -> dict[str, str]:
    """The owner of each installed file, by its path in site-packages."""
    found = {}
    for distribution in importlib.metadata.distributions():
        owner = "project" if is_local(distribution) else "third-party"
        found.update({str(file): owner for file in distribution.files or ()})
    return found


def is_local(distribution: importlib.metadata.Distribution) -> bool:
    """Whether it was installed from a folder or file of this machine (PEP 610)."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    return str(origin.get("url", "")).startswith("file:")
