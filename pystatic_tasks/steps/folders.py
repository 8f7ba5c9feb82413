"""The folders that a build writes to: no link of the project leads elsewhere, on the way to them or in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pystatic_tasks.system.beneath import links_below
from pystatic_tasks.system.files import is_a_link
from pystatic_tasks.system.git import run_git


def require_no_links(root: Path, *folders: Path) -> None:
    """Raises PystaticError if one of these folders below the project's, or one on the way to it, is a link.

    The first on the way, `build` or `dist`, may be one of the user's own, which git does not track.
    """
    for folder in folders:
        top, *below = ways(root, folder)
        for link in filter(Path.is_symlink, (top, *below)):
            if link != top or is_tracked(root, link.name):
                raise is_a_link(link)


def ways(root: Path, folder: Path) -> Iterator[Path]:
    """The folders from the project's, without it, to one below it."""
    place = root
    for name in folder.relative_to(root).parts:
        place /= name
        yield place


def is_tracked(root: Path, name: str) -> bool:
    """Whether git tracks what has that name in the project's folder, and not only files in it."""
    return name in (run_git(root, "ls-files", "-z", "--", name) or "").split("\0")


def remove_links_out(folder: Path) -> list[str]:
    """Remove the links in a folder that lead out of it, one of them by another; their names."""
    real = folder.resolve()
    found = [name for name in links_below(folder) if not leads_into(folder / name, real)]
    for name in found:
        (folder / name).unlink()
    return sorted(found)


def leads_into(link: Path, folder: Path) -> bool:
    """Whether a link, followed as far as it leads, ends in a folder."""
    # Path.resolve raises errors for loops before Python 3.13.
    return Path(os.path.realpath(link)).is_relative_to(folder)
