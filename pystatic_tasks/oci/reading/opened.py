"""Opens an archive, and checks that its blobs have the digests in their names."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pystatic_tasks.errors import ImageError
from pystatic_tasks.oci.blobs import Blob, blob_path
from pystatic_tasks.oci.reading.strict_json import parse
from pystatic_tasks.oci.tar_entries import problem
from pystatic_tasks.oci.tar_reader import BrokenArchiveError, Member, read_members
from pystatic_tasks.system.files import open_regular
from pystatic_tasks.system.texts import quoted
from pystatic_tasks.system.units import megabytes

DIGEST = "sha256:[0-9a-f]{64}"
BLOBS = "blobs/"
BUILD_AGAIN = "Build the image again."
# The largest archive, and the largest sum of its unpacked layers, in bytes.
LARGEST = 8 * 2**30
# All entries are kept in memory; an image has at most some hundreds of layers.
MOST_ENTRIES = 10_000
# The manifest size that registries accept: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
LARGEST_JSON = 4 * 2**20
# Keys of a descriptor. With others, such as `urls` and `data`, readers may take a blob from elsewhere.
SAID_OF_BLOB = frozenset(("mediaType", "digest", "size", "annotations"))
# Annotations of BuildKit and ORAS. With others, some readers unpack a layer differently.
NOTED = frozenset(("buildkit/rewritten-timestamp", "org.opencontainers.image.title"))


class Archive:
    """An open archive, whose blobs all have the digests in their names."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file
        self.members: dict[str, Member] = {}
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST:
            raise BrokenArchiveError(f"it has {megabytes(size)}, and no more than {megabytes(LARGEST)} are read")
        for member in read_members(file):
            wrong = problem(member.name)
            if wrong:
                raise BrokenArchiveError(f"it holds {quoted(member.name)}, which {wrong}")
            if member.kind in ("link", "other"):
                raise BrokenArchiveError(f"{quoted(member.name)} in it is neither a file nor a folder")
            if member.name in self.members:
                raise BrokenArchiveError(f"{quoted(member.name)} is in it twice")
            self.members[member.name] = member
            if len(self.members) > MOST_ENTRIES:
                raise BrokenArchiveError(f"it has more than {MOST_ENTRIES} entries")
            if member.kind == "file" and member.name.startswith(BLOBS):
                check_blob(member.name, member.content)

    def find(self, name: str) -> Member:
        """A file in the archive; raises BrokenArchiveError if there is none of that name."""
        member = self.members.get(name)
        if member is None:
            raise BrokenArchiveError(f"{name} is not in it")
        if member.kind != "file":
            raise BrokenArchiveError(f"{name} in it is not a file")
        return member

    def read(self, name: str) -> bytes:
        member = self.find(name)
        self.file.seek(member.start)
        content = self.file.read(member.size)
        if name.startswith(BLOBS):
            check_blob(name, [content])
        return content

    def read_json(self, name: str) -> Any:
        size = self.find(name).size
        if size > LARGEST_JSON:
            most = megabytes(LARGEST_JSON)
            raise BrokenArchiveError(f"its JSON has {megabytes(size)}, and no more than {most} are read")
        return parse(self.read(name))


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an archive; raises BrokenArchiveError if it, or what the body reads of it, is not that of an image."""
    try:
        with as_of_image(), open_regular(path) as file:
            yield Archive(path, file)
    except MemoryError:
        raise BrokenArchiveError("there is not enough memory to read it") from None


@contextlib.contextmanager
def as_of_image() -> Iterator[None]:
    """Turn what fails with JSON that has not the form of an image's into BrokenArchiveError."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise BrokenArchiveError("its JSON is not that of an image") from None


@contextlib.contextmanager
def ours(path: Path) -> Iterator[None]:
    """Turn BrokenArchiveError into ImageError, for an archive that we wrote."""
    try:
        yield
    except BrokenArchiveError as error:
        raise ImageError(f"{path} is not an image archive: {error}.", BUILD_AGAIN) from None


def check_blob(name: str, content: Iterable[bytes]) -> None:
    """Raise BrokenArchiveError unless the content has the digest in the name."""
    expected = name.removeprefix(BLOBS).replace("/", ":")
    if not re.fullmatch(DIGEST, expected):
        raise BrokenArchiveError(f"{quoted(name)} in it has a name that is not a SHA-256")
    for _ in verified(content, expected):
        pass


def verified(pieces: Iterable[bytes], digest: str) -> Iterator[bytes]:
    """Yield the pieces; raises BrokenArchiveError after the last one if they have another digest."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
        yield piece
    if digest != f"sha256:{found.hexdigest()}":
        raise BrokenArchiveError(f"the content of {digest} is another")


def digest_of(name: str) -> str:
    """The digest of a blob, from its name in an archive."""
    digest = name.removeprefix(BLOBS).replace("/", ":")
    if not re.fullmatch(DIGEST, digest) or name != blob_path(digest):
        raise BrokenArchiveError(f"{quoted(name)}, which it names, is not a blob")
    return digest


def read_blob(archive: Archive, descriptor: Mapping[str, Any]) -> Blob:
    """The blob of a descriptor that `find_blob` has checked."""
    return Blob(media_type=str(descriptor["mediaType"]), content=archive.read(blob_path(descriptor["digest"])))


def find_blob(archive: Archive, descriptor: Mapping[str, Any]) -> None:
    """Raise BrokenArchiveError unless the archive has the blob of a descriptor, and all readers use exactly that."""
    expected = descriptor["digest"]
    check_descriptor_keys(descriptor)
    if not re.fullmatch(DIGEST, expected):
        raise BrokenArchiveError("it has a digest that is not a SHA-256")
    if archive.find(blob_path(expected)).size != descriptor["size"]:
        raise BrokenArchiveError(f"the content of {expected} is another")


def check_descriptor_keys(descriptor: Mapping[str, Any]) -> None:
    """Raise BrokenArchiveError if a descriptor may have readers take a blob from elsewhere or unpack it differently."""
    others = sorted(descriptor.keys() - SAID_OF_BLOB)
    if others:
        raise BrokenArchiveError(f"it says {quoted(others[0])} of a blob, which is not read")
    annotations = sorted((descriptor.get("annotations") or {}).keys() - NOTED)
    if annotations:
        raise BrokenArchiveError(f"it has a blob with the annotation {quoted(annotations[0])}, which is not read")
