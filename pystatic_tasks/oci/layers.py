"""Writes entries into a layer, with the same bytes for the same entries."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pystatic_tasks.config.model import Compression
from pystatic_tasks.errors import ImageError
from pystatic_tasks.oci.blobs import digest
from pystatic_tasks.oci.tar_entries import Root
from pystatic_tasks.system.files import hash_file


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A folder, a file or a symbolic link of the image, owned by root.

    Attributes:
        path: Absolute path in the image.
        mode: Permission bits.
        content: The bytes of a file, or the file to read them from; None makes a folder.
        link: Target of a symbolic link.
    """

    path: str
    mode: int
    content: bytes | Path | None = None
    link: str = ""

    @property
    def is_folder(self) -> bool:
        return self.content is None and not self.link

    def fingerprint(self) -> list[Any]:
        """Everything that its bytes in a layer depend on."""
        content = hash_file(self.content) if isinstance(self.content, Path) else str(self.content)
        return [self.path, self.mode, content, self.link]

    def read(self) -> bytes:
        """The bytes of a file; empty for anything else."""
        return self.content.read_bytes() if isinstance(self.content, Path) else self.content or b""

    @property
    def size_bytes(self) -> int:
        if isinstance(self.content, Path):
            return self.content.stat().st_size
        return len(self.content or b"")


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of the image.

    Attributes:
        kind: What it contains, such as "program".
        tar: The uncompressed tar.
        blobs: The compressed tar, by method.
        size_bytes: Sum of the sizes of its files.
    """

    kind: str
    tar: bytes
    blobs: Mapping[Compression, bytes]
    size_bytes: int

    @cached_property
    def diff_id(self) -> str:
        return digest(self.tar)


def make_layer(
    kind: str, entries: Sequence[Entry], modified: int, compress: Mapping[Compression, Callable[[bytes], bytes]]
) -> Layer:
    """Write the entries into a layer, in order.

    Args:
        kind: What the layer contains.
        entries: The entries; each folder before its contents.
        modified: Modification time of all entries, in seconds since 1970.
        compress: The compression methods.

    Raises:
        ImageError: an entry is not allowed in an archive.
    """
    content = write_tar(entries, modified)
    return Layer(
        kind=kind,
        tar=content,
        blobs={name: method(content) for name, method in compress.items()},
        size_bytes=sum(entry.size_bytes for entry in entries),
    )


def write_tar(entries: Iterable[Entry], modified: int) -> bytes:
    """The tar of the entries; raises ImageError if one could leave the folder that they are unpacked into."""
    buffer, root = io.BytesIO(), Root()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            wrong = root.add(entry.path.lstrip("/"), link=entry.link, is_folder=entry.is_folder)
            if wrong:
                raise cannot_hold(entry.path, wrong)
            add(tar, entry, modified)
    for name, wrong in root.wrong_links():
        raise cannot_hold(f"/{name}", wrong)
    return buffer.getvalue()


def cannot_hold(path: str, wrong: str) -> ImageError:
    return ImageError(f"An archive cannot hold {path!r}, which {wrong}.", "Rename the file, or leave it out.")


def add(tar: tarfile.TarFile, entry: Entry, modified: int) -> None:
    info = tarfile.TarInfo(entry.path.lstrip("/"))
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
