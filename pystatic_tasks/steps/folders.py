"""The folders that a build writes to: no link of the project leads elsewhere, on the way to them or in them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from pystatic_tasks.system.beneath import entries_below, let_owner_in
from pystatic_tasks.system.files import link_error
from pystatic_tasks.system.git import is_tracked


def make_folders(root: Path, *folders: Path) -> None:
    """Make folders in `build/pystatic` and `dist/pystatic` of a project, of which git ignores all.

    Raises:
        PystaticError, MissingToolError: as for `require_no_links`.
    """
    require_no_links(root, *folders)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        let_git_ignore(root.joinpath(*folder.relative_to(root).parts[:2]))


def let_git_ignore(folder: Path) -> None:
    """Write a .gitignore that names all in a folder, unless there is one, or a link."""
    # What cannot be written here need not be: a user may have made the folders in it for us.
    with contextlib.suppress(FileExistsError, PermissionError), (folder / ".gitignore").open("x") as file:
        file.write("*\n")


def require_no_links(root: Path, *folders: Path) -> None:
    """Look at these folders below the project's, and at those on the way to them.

    The first on the way, `build` or `dist`, may be a link that stays in the project, or one of the user's own, which
    git does not track.

    Raises:
        PystaticError: one is another link.
        MissingToolError: one may be, and git does not say whether it tracks it.
    """
    real = root.resolve()
    for folder in folders:
        top, *below = ways(root, folder)
        for link in filter(Path.is_symlink, (top, *below)):
            if link != top or (not leads_into(link, real) and is_tracked(link)):
                raise link_error(link)


def ways(root: Path, folder: Path) -> Iterator[Path]:
    """The folders from the project's, without it, to one below it."""
    place = root
    for name in folder.relative_to(root).parts:
        place /= name
        yield place


def remove_links_out(folder: Path) -> list[str]:
    """Remove the links in a folder that lead out of it, one of them by another; their names.

    Folders in it that do not let their owner read or write are opened up as far as that takes.

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
    """Remove a link, though its folder lets nobody write; PystaticError if that is another user's."""
    with contextlib.suppress(PermissionError):
        link.unlink()
        return
    let_owner_in(link.parent)
    try:
        link.unlink()
    except PermissionError:
        raise link_error(link) from None


def leads_into(link: Path, folder: Path) -> bool:
    """Whether a link, followed as far as it leads, ends in a folder."""
    # Path.resolve raises errors for loops before Python 3.13.
    return Path(os.path.realpath(link)).is_relative_to(folder)
