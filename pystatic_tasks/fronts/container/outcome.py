"""Checks the results of a container: untrusted files, in which no link may lead out of the folder."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

from pystatic_tasks.errors import FreezeError
from pystatic_tasks.oci.tar_entries import Root
from pystatic_tasks.system.beneath import entries_below, open_up, remove_tree
from pystatic_tasks.system.files import link_target
from pystatic_tasks.system.machine import is_linux
from pystatic_tasks.system.texts import quoted

# Only the program's tree may contain links.
PROGRAM = "program"


def remove(results: Path) -> None:
    """Remove the results of an earlier build, even if they are a link or a file."""
    if results.is_symlink() or not results.is_dir():
        results.unlink(missing_ok=True)
    remove_tree(results)


def check(results: Path, place: str) -> None:
    """Reject results with links that lead out of the folder or with special files; then the folder is removed.

    Its folders are made accessible for that: a link could be used by its name in a folder that cannot be listed.

    Args:
        results: The folder.
        place: The engine's name, for the message.

    Raises:
        FreezeError: the folder has such a link or file, or something in it cannot be read.
    """
    if is_linux():
        open_up(results)
    for name, wrong in problems(results):
        remove(results)
        raise FreezeError(
            f"The output of the {place} container has {quoted(name)}, which {wrong}.",
            "Nothing of it was used; find what creates this file: a build backend, a hook or the target itself.",
        )


def problems(results: Path) -> Iterator[tuple[str, str]]:
    """Each wrong file or folder, with what is wrong about it."""
    if results.is_symlink():
        yield results.name, "is a link"
        return
    try:
        yield from problems_below(results)
    except OSError as error:
        place = Path(error.filename)
        name = results.name if place == results else place.relative_to(results).as_posix()
        yield name, f"cannot be read: {error.strerror}"


def problems_below(results: Path) -> Iterator[tuple[str, str]]:
    root = Root()
    for name, entry in sorted(entries_below(results, skips=False), key=itemgetter(0)):
        link = link_target(Path(entry.path)) if entry.is_symlink() else ""
        is_folder = entry.is_dir(follow_symlinks=False)
        if link and not name.startswith(f"{PROGRAM}/"):
            yield name, "is a link"
        elif not (link or is_folder or entry.is_file(follow_symlinks=False)):
            yield name, "is neither a file nor a folder"
        elif name.startswith(f"{PROGRAM}/"):
            wrong = root.add(name.removeprefix(f"{PROGRAM}/"), link=link, is_folder=is_folder)
            yield from [(name, wrong)] if wrong else []
    yield from ((f"{PROGRAM}/{name}", wrong) for name, wrong in root.wrong_links())
