"""Makes the folders that a build writes to, and makes sure that no link in the project leads the build elsewhere."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from pystatic_tasks.system.beneath import entries_below, let_owner_in
from pystatic_tasks.system.files import link_error
from pystatic_tasks.system.git import is_tracked


def make_folders(root: Path, *folders: Path) -> None:
    """Make folders in `build/pystatic` and `dist/pystatic` of a project, all of which git ignores.

    Raises:
        PystaticError, MissingToolError: as for `require_no_links`.
    """
    require_no_links(root, *folders)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        let_git_ignore(root.joinpath(*folder.relative_to(root).parts[:2]))


def let_git_ignore(folder: Path) -> None:
    """Write a .gitignore for everything in a folder, unless there is one, or a link."""
    # If it cannot be written, it is not needed: the user may have prepared the folders in it for us.
    with contextlib.suppress(FileExistsError, PermissionError), (folder / ".gitignore").open("x") as file:
        file.write("*\n")


def require_no_links(root: Path, *folders: Path) -> None:
    """Check these folders below the project's folder, and those on the way to them.

    The first on the way, `build` or `dist`, may be a link that stays in the project, or a link of the user's own that
    git does not track.

    Raises:
        PystaticError: one is another link.
        MissingToolError: one may be, but git does not tell whether it tracks it.
    """
    real = root.resolve()
    for folder in folders:
        top, *below = ways(root, folder)
        for link in filter(Path.is_symlink, (top, *below)):
            if link != top or (not leads_into(link, real) and is_tracked(link)):
                raise link_error(link)


def ways(root: Path, folder: Path) -> Iterator[Path]:
    """The folders on the way from the project's folder (excluded) to one below it (included)."""
    place = root
    for name in folder.relative_to(root).parts:
        place /= name
        yield place


def remove_links_out(folder: Path) -> list[str]:
    """Remove the links in a folder that lead out of it, directly or through others; return their names.

    If folders in it do not let their owner read or write, they are given the permissions that this needs.

    Raises:
        PystaticError: one cannot be removed.
    """
    real = folder.resolve()
    links = [name for name, entry in entries_below(folder, lets_in=True) if entry.is_symlink()]
    found = [name for name in links if not leads_into(folder / name, real)]
    for name in found:
        unlink_anyway(folder / name)
    return sorted(found)


def unlink_anyway(link: Path) -> None:
    """Remove a link even from a read-only folder; PystaticError if the folder belongs to another user."""
    with contextlib.suppress(PermissionError):
        link.unlink()
        return
    let_owner_in(link.parent)
    try:
        link.unlink()
    except PermissionError:
        raise link_error(link) from None


def leads_into(link: Path, folder: Path) -> bool:
    """Whether a link, followed to its end, leads into a folder."""
    # Before Python 3.13, Path.resolve raises errors for loops.
    return Path(os.path.realpath(link)).is_relative_to(folder)
