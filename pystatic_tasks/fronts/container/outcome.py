"""Checks the results of a container: untrusted files, in which no link may lead out of the folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pystatic_tasks.errors import FreezeError
from pystatic_tasks.oci.tar_entries import Root
from pystatic_tasks.system.beneath import remove_tree
from pystatic_tasks.system.files import link_target
from pystatic_tasks.system.texts import quoted

# Only the program's tree may contain links.
PROGRAM = "program"


def remove(results: Path) -> None:
    """Remove the results of an earlier build, even if they are a link."""
    if results.is_symlink():
        results.unlink()
    remove_tree(results)


def check(results: Path, place: str) -> None:
    """Reject results with links that lead out of the folder or with special files; then the folder is removed.

    Args:
        results: The folder.
        place: The engine's name, for the message.

    Raises:
        FreezeError: the folder has such a link or file.
    """
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
    root = Root()
    for above, folders, files in os.walk(results):
        for path in (Path(above, name) for name in sorted([*folders, *files])):
            name, link = path.relative_to(results).as_posix(), link_target(path)
            if link and not name.startswith(f"{PROGRAM}/"):
                yield name, "is a link"
            elif not (link or path.is_dir() or path.is_file()):
                yield name, "is neither a file nor a folder"
            elif name.startswith(f"{PROGRAM}/"):
                wrong = root.add(name.removeprefix(f"{PROGRAM}/"), link=link, is_folder=not link and path.is_dir())
                yield from [(name, wrong)] if wrong else []
    yield from ((f"{PROGRAM}/{name}", wrong) for name, wrong in root.wrong_links())
