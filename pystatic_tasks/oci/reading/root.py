"""Checks each entry of the layers as it is read, together with the root that they build up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pystatic_tasks.errors import ImageError
from pystatic_tasks.oci.reading.layers import SavedLayer, of_ours
from pystatic_tasks.oci.reading.opened import BUILD_AGAIN, LARGEST
from pystatic_tasks.oci.tar_entries import Root
from pystatic_tasks.oci.tar_reader import Member, Pieces, read_members
from pystatic_tasks.system.texts import quoted
from pystatic_tasks.system.units import megabytes

# The keywords of extended headers in layers of ours.
KEYWORDS = frozenset(("path", "linkpath"))


def checked_layers(path: Path, layers: Iterable[SavedLayer]) -> Iterator[Iterator[Member]]:
    """The members of each layer; raises ImageError at an entry that we do not write, and at the end for wrong links."""
    root = CheckedRoot(path)
    for layer in layers:
        yield root.members(layer)
    root.check_links()


class CheckedRoot:
    """The root of an image, built up from the layers of an archive of ours."""

    def __init__(self, path: Path) -> None:
        self.path, self.root, self.left = path, Root(), LARGEST

    def members(self, layer: SavedLayer) -> Iterator[Member]:
        """Add and yield the members of the next layer; ImageError if we do not write one, or they are too large."""
        return of_ours(layer.archive, map(self.checked, read_members(Pieces(self.counted(layer.tar())))))

    def counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.left -= len(piece)
            if self.left < 0:
                raise ImageError(f"{self.path} unpacks to more than {megabytes(LARGEST)}.", BUILD_AGAIN)
            yield piece

    def checked(self, member: Member) -> Member:
        wrong = self.root.add(member.name, link=member.link, is_folder=member.kind == "folder")
        if member.kind == "other":
            wrong = "is neither a file nor a folder nor a symbolic link"
        elif member.owner != (0, 0):
            wrong = wrong or "is not owned by root"
        elif not member.extended <= KEYWORDS:
            wrong = wrong or "has attributes that are not written here"
        if wrong:
            raise holds(self.path, member.name, wrong)
        return member

    def check_links(self) -> None:
        for name, wrong in self.root.wrong_links():
            raise holds(self.path, name, wrong)


def holds(path: Path, name: str, wrong: str) -> ImageError:
    return ImageError(f"{path} holds {quoted(name)}, which {wrong}.", BUILD_AGAIN)
