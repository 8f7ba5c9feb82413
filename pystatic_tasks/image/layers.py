"""From entries to a layer, the same bytes for the same entries."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pystatic_tasks.config.model import Compression
from pystatic_tasks.errors import ImageError
from pystatic_tasks.image.rootfs import Entry
from pystatic_tasks.tar_entries import complaint


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of the image.

    Attributes:
        kind: What it holds, such as "program".
        tar: The uncompressed tar.
        blobs: The tar, compressed by one or more methods.
        size_bytes: Sum of the sizes of its files.
    """

    kind: str
    tar: bytes
    blobs: Mapping[Compression, bytes]
    size_bytes: int

    @cached_property
    def diff_id(self) -> str:
        return digest(self.tar)


def digest(content: bytes) -> str:
    """The digest of a blob as OCI writes it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def make_layer(
    kind: str, entries: Sequence[Entry], modified: int, compress: Mapping[Compression, Callable[[bytes], bytes]]
) -> Layer:
    """Write the entries, in their order, into a layer.

    Args:
        kind: What the layer holds.
        entries: Folders before what stands in them.
        modified: Modification time of all entries, in seconds since 1970.
        compress: The methods to compress by.

    Raises:
        ImageError: an entry could leave the folder that it is unpacked into.
    """
    content = write_tar(entries, modified)
    return Layer(
        kind=kind,
        tar=content,
        blobs={name: method(content) for name, method in compress.items()},
        size_bytes=sum(entry.size_bytes for entry in entries),
    )


def write_tar(entries: Iterable[Entry], modified: int) -> bytes:
    """The tar of the entries; ImageError if one could leave the folder that it is unpacked into."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            add(tar, entry, modified)
    return buffer.getvalue()


def add(tar: tarfile.TarFile, entry: Entry, modified: int) -> None:
    info = tarfile.TarInfo(entry.path.lstrip("/"))
    wrong = complaint(info.name, entry.link)
    if wrong:
        raise ImageError(f"An archive cannot hold {entry.path!r}, which {wrong}.", "Rename the file, or leave it out.")
    info.mode = entry.mode
    info.mtime = modified
    if entry.content is not None:
        content = entry.content if isinstance(entry.content, bytes) else entry.content.read_bytes()
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
        return
    info.type = tarfile.SYMTYPE if entry.link else tarfile.DIRTYPE
    info.linkname = entry.link
    tar.addfile(info)
