"""From entries to a tar, the same bytes for the same entries."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from pystatic_tasks.image.rootfs import Entry

GZIP_LEVEL = 9
GZIP_FORMAT = 16 + zlib.MAX_WBITS  # A gzip header without name and time.


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of the image.

    Attributes:
        kind: What it holds, such as "program".
        tar: The uncompressed tar.
        blob: The tar, compressed by gzip.
        size_bytes: Sum of the sizes of its files.
    """

    kind: str
    tar: bytes
    blob: bytes
    size_bytes: int

    @property
    def diff_id(self) -> str:
        return digest(self.tar)

    @property
    def digest(self) -> str:
        return digest(self.blob)


def digest(content: bytes) -> str:
    """The digest of a blob as OCI writes it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def gzip(content: bytes) -> bytes:
    """Compress by zlib itself: the module gzip writes another header in each version of Python."""
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_FORMAT)
    return compressor.compress(content) + compressor.flush()


def make_layer(kind: str, entries: Sequence[Entry], created: int) -> Layer:
    """Write the entries, in their order, into a layer.

    Args:
        kind: What the layer holds.
        entries: Folders before what stands in them.
        created: Modification time of all entries, in seconds since 1970.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            add(tar, entry, created)
    content = buffer.getvalue()
    return Layer(
        kind=kind,
        tar=content,
        blob=gzip(content),
        size_bytes=sum(entry.size_bytes for entry in entries),
    )


def add(tar: tarfile.TarFile, entry: Entry, created: int) -> None:
    info = tarfile.TarInfo(entry.path.lstrip("/"))
    info.mode = entry.mode
    info.mtime = created
    if entry.content is None:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
        return
    content = entry.content if isinstance(entry.content, bytes) else entry.content.read_bytes()
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))
