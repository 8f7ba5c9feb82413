"""The layers of an `image.tar`, read back."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pystatic_tasks.errors import ImageError
from pystatic_tasks.tar_entries import complaint


def open_layers(archive: Path) -> Iterator[tarfile.TarFile]:
    """The layers, opened one after the other, from the lowest to the highest.

    Raises:
        ImageError: an entry is none that we write, or could leave the folder that the layers are unpacked into.
    """
    links: set[str] = set()
    for blob in read_layers(archive):
        with tarfile.open(fileobj=io.BytesIO(blob)) as layer:
            for entry in layer.getmembers():
                check_entry(archive, entry, links)
            yield layer


def check_entry(archive: Path, entry: tarfile.TarInfo, links: set[str]) -> None:
    """Check one entry; `links` are the names of the links so far, and gets its own."""
    wrong = complaint(entry.name, entry.linkname)
    if not (entry.isreg() or entry.isdir() or entry.issym()):
        wrong = "is neither a file nor a folder nor a symbolic link"
    if not links.isdisjoint(map(str, PurePosixPath(entry.name).parents)):
        wrong = "lies behind a link"
    if wrong:
        raise ImageError(f"{archive} holds {entry.name!r}, which {wrong}.", "Build the image again.")
    if entry.issym():
        links.add(entry.name)


def read_layers(archive: Path) -> Iterator[bytes]:
    """The layers' gzip blobs, from the lowest to the highest."""
    with tarfile.open(archive) as tar:
        [image] = json.loads(read(tar, "manifest.json"))
        for name in image["Layers"]:
            yield read(tar, name)


def read(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(name)
    assert member is not None
    return member.read()
