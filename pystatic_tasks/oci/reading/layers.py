"""Reads the layers in an archive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pystatic_tasks.oci.blobs import blob_path
from pystatic_tasks.oci.reading.opened import DIGEST, LARGEST, Archive, ours, verified
from pystatic_tasks.oci.reading.unpacking import UNPACK
from pystatic_tasks.oci.tar_reader import BrokenArchiveError, Member, Pieces, read_members
from pystatic_tasks.system.files import open_regular, pieces_of
from pystatic_tasks.system.texts import quoted
from pystatic_tasks.system.units import megabytes


@dataclass(frozen=True, kw_only=True)
class SavedLayer:
    """One layer.

    Attributes:
        archive: The archive that contains it.
        start: Where it begins in the archive, in bytes.
        size: Its size in the archive, in bytes.
        digest: Digest of its bytes in the archive.
        diff_id: Digest of its uncompressed tar.
        media_type: Tells how the tar is compressed.
    """

    archive: Path
    start: int
    size: int
    digest: str
    diff_id: str
    media_type: str

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}

    def content(self) -> Iterator[bytes]:
        """Its bytes in the archive, in pieces; raises BrokenArchiveError at the end if the digest is wrong."""
        with open_regular(self.archive) as file:
            file.seek(self.start)
            yield from verified(pieces_of(file, self.size), self.digest)

    def tar(self) -> Iterator[bytes]:
        """The uncompressed tar, in pieces; raises BrokenArchiveError at the end if the digest is wrong."""
        yield from verified(UNPACK[self.media_type](self.content()), self.diff_id)

    def members(self) -> Iterator[Member]:
        """The members of the tar; raises BrokenArchiveError, maybe only at the end, if a digest is wrong."""
        return read_members(Pieces(self.tar()))


def saved_layer(archive: Archive, digest: str, diff_id: str, media_type: str) -> SavedLayer:
    member = archive.find(blob_path(digest))
    if not re.fullmatch(DIGEST, diff_id):
        raise BrokenArchiveError("it has a digest that is not a SHA-256")
    check_type(media_type)
    return SavedLayer(
        archive=archive.path,
        start=member.start,
        size=member.size,
        digest=digest,
        diff_id=diff_id,
        media_type=media_type,
    )


def check_type(media_type: str) -> None:
    """Raise BrokenArchiveError unless it is a type of layers that are unpacked here."""
    if media_type not in UNPACK:
        raise BrokenArchiveError(f"it has a layer of the type {quoted(media_type)}, which is not read")


def check_tars(layers: Iterable[SavedLayer], *, besides: Iterable[SavedLayer] = ()) -> None:
    """Raise BrokenArchiveError unless each layer, except `besides`, has the tar that the configuration lists."""
    left, others = LARGEST, set(besides)
    for layer in dict.fromkeys(each for each in layers if each not in others):
        for piece in layer.tar():
            left -= len(piece)
            if left < 0:
                raise BrokenArchiveError(f"it unpacks to more than {megabytes(LARGEST)}")


def members_of(layer: SavedLayer) -> Iterator[Member]:
    """The members of a layer in an archive of ours; raises ImageError, maybe only at the end, if a digest is wrong."""
    return of_ours(layer.archive, layer.members())


def of_ours(archive: Path, members: Iterable[Member]) -> Iterator[Member]:
    """Members in an archive of ours; reading them or their contents raises ImageError if the archive is broken."""

    def content(pieces: Iterator[bytes]) -> Iterator[bytes]:
        with ours(archive):
            yield from pieces

    with ours(archive):
        for member in members:
            yield replace(member, content=content(member.content))
