"""What `image.tar` holds, read back; nothing of the archive itself is unpacked.

An archive is an OCI layout, which Podman and containerd read, and mostly what `docker save` writes too, which Docker
reads. Both must name the same image: one configuration, and layers whose tars have the digests that it lists.
Nothing is made of a blob whose digest was not checked before.
https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pystatic_tasks.config.unwieldy import inside, is_nested_deeper, is_unicode
from pystatic_tasks.errors import ConfigError, ImageError
from pystatic_tasks.oci.archive import (
    FILE_MODE,
    FOLDER_MODE,
    FOLDERS,
    LAYOUT,
    LAYOUT_CONTENT,
    Written,
    layout_index,
    saved_names,
)
from pystatic_tasks.oci.blobs import Blob, blob_path
from pystatic_tasks.oci.compression import zstd_library
from pystatic_tasks.oci.manifest import CONFIG_TYPE, INDEX_TYPE, LAYER_TYPES, MANIFEST_TYPE, canonical, image_manifest
from pystatic_tasks.oci.tar_entries import Root, problem
from pystatic_tasks.oci.tar_reader import PIECE, BrokenArchiveError, Member, Pieces, read_members
from pystatic_tasks.system.files import open_regular
from pystatic_tasks.system.texts import quoted
from pystatic_tasks.system.units import megabytes

DIGEST = "sha256:[0-9a-f]{64}"
BLOBS = "blobs/"
BUILD_AGAIN = "Build the image again."
NAME_OURS = "Name an image.tar that the session image has written."
# The name of what lies first in an archive of ours; engines unpack one that begins as something compressed does.
BEGINNING = f"{FOLDERS[0]}/\0".encode()
# What extended headers in layers of ours say.
KEYWORDS = frozenset(("path", "linkpath"))
# Of an archive in bytes, and of all that its layers hold.
LARGEST = 8 * 2**30
# What registries take of a manifest: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
LARGEST_JSON = 4 * 2**20
LONGEST_NUMBER = 20
# Those of our layers have a compression; Docker writes layers without any.
TAR_TYPE = "application/vnd.oci.image.layer.v1.tar"
ZSTD = b"\x28\xb5\x2f\xfd"
# Readers know it by its first bytes, whatever its type says: gzip, bzip2, xz, lz4, zstd and what zstd skips.
COMPRESSED = re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ\0|\x04\x22\x4d\x18|[\x50-\x5f]\x2a\x4d\x18|" + re.escape(ZSTD))
# Objects whose keys are anybody's, in small letters.
ANY_KEYS = ("labels", "annotations", "volumes", "exposedports")
# What need not be there. Go reads it under keys in other capitals too.
MAY_BE_THERE = {each.casefold(): each for each in ("annotations", "Entrypoint", "mediaType", "variant")}
# By which a descriptor has readers take a blob from elsewhere.
ELSEWHERE = frozenset(("urls", "data"))
# By what readers tell documents: https://github.com/advisories/GHSA-77vh-xpmg-72qh
OF_OTHERS = {
    INDEX_TYPE: frozenset(("config", "layers", "fslayers", "history")),
    MANIFEST_TYPE: frozenset(("manifests", "fslayers", "history")),
}
# Of an operating system, an architecture and its variant, such as "linux", "arm64" and "v8".
PLATFORM_WORD = "[A-Za-z0-9][A-Za-z0-9._-]{0,31}"


@dataclass(frozen=True, kw_only=True)
class ArchivedImage:
    """One image.

    Attributes:
        manifest: Its manifest, as it was written.
        blobs: Its configuration and its layers, each once.
        platform: Such as "linux/amd64" or "linux/arm/v7".
        program: The program that it runs, such as "/shop".
        annotations: Those of its manifest.
    """

    manifest: Blob
    blobs: tuple[Blob, ...]
    platform: str
    program: str
    annotations: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class SavedLayer:
    """One layer.

    Attributes:
        archive: The archive that it lies in.
        start: Where in that it begins.
        size: Its bytes as they lie there.
        digest: Digest of these.
        diff_id: Digest of the tar in them.
        media_type: How that is compressed.
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
        """The bytes as they lie there, in pieces; a BrokenArchiveError instead of their end if they are others."""
        with open_regular(self.archive) as file:
            file.seek(self.start)
            yield from verified(pieces_of(file, self.size), self.digest)

    def tar(self) -> Iterator[bytes]:
        """The tar in pieces; a BrokenArchiveError instead of its end if it is another one."""
        yield from verified(UNPACK[self.media_type](self.content()), self.diff_id)

    def members(self) -> Iterator[Member]:
        """What the tar holds; a BrokenArchiveError, maybe at the end, if it is another one."""
        return read_members(Pieces(self.tar()))


@dataclass(frozen=True, kw_only=True)
class Described:
    """What index.json leads to.

    Attributes:
        manifest: The manifest that it names.
        content: What that says.
        config: The configuration that this names.
        layers: The layers that this names.
    """

    manifest: Blob
    content: Mapping[str, Any]
    config: Mapping[str, Any]
    layers: Sequence[SavedLayer]

    @property
    def image_id(self) -> str:
        return str(self.content["config"]["digest"])


@dataclass(frozen=True, kw_only=True)
class Named:
    """What manifest.json names.

    Attributes:
        image_id: Digest of the configuration.
        references: Names of the image.
        layers: Digests of the layers.
    """

    image_id: str
    references: Sequence[str]
    layers: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class SavedImage:
    """One image, as `docker load` reads it.

    Attributes:
        config: Its configuration.
        kinds: What its layers hold, such as "program", from the lowest to the highest.
        layers: These layers.
        references: Its names.
    """

    config: Mapping[str, Any]
    kinds: Sequence[str]
    layers: Sequence[SavedLayer]
    references: Sequence[str]


class Archive:
    """An open archive, whose blobs all have the digests by which they are called."""

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
            if member.kind == "file" and member.name.startswith(BLOBS):
                check_blob(member.name, member.content)

    def find(self, name: str) -> Member:
        """A file; BrokenArchiveError if there is none of that name."""
        member = self.members.get(name)
        if member is None:
            raise BrokenArchiveError(f"{name} is not in it")
        if member.kind != "file":
            raise BrokenArchiveError(f"{name} in it is no file")
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
        found = json.loads(
            self.read(name).decode(),
            parse_int=whole_number,
            parse_float=no_number,
            parse_constant=no_number,
            object_pairs_hook=each_once,
        )
        if is_nested_deeper(found):
            raise ValueError("has more levels than that of any image")
        check_keys(found)
        if not all(is_unicode(each) for each in inside(found) if isinstance(each, str)):
            raise ValueError("has a text that is not Unicode")
        return found


def check_blob(name: str, content: Iterable[bytes]) -> None:
    """Raises BrokenArchiveError unless the content is that of the digest which is the name."""
    expected = name.removeprefix(BLOBS).replace("/", ":")
    if not re.fullmatch(DIGEST, expected):
        raise BrokenArchiveError(f"{quoted(name)} in it has a name that is no SHA-256")
    for _ in verified(content, expected):
        pass


def verified(pieces: Iterable[bytes], digest: str) -> Iterator[bytes]:
    """The pieces; a BrokenArchiveError after the last if they have another digest."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
        yield piece
    if digest != f"sha256:{found.hexdigest()}":
        raise BrokenArchiveError(f"the content of {digest} is another")


def plain(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces; a BrokenArchiveError if engines would unpack them."""
    first, whole = peeked(pieces)
    if COMPRESSED.match(first):
        raise BrokenArchiveError("a layer in it begins as something compressed does")
    yield from whole


def peeked(pieces: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first piece, and all of them with it."""
    rest = iter(pieces)
    first = next(rest, b"")
    return first, itertools.chain([first], rest)


def gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What a gzip of one member holds, in pieces; a BrokenArchiveError if it is none."""
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS + 16)
    try:
        for piece in pieces:
            if inflate.eof:
                raise BrokenArchiveError("a layer in it is no gzip")
            rest = piece
            while rest and not inflate.eof:
                yield inflate.decompress(rest, PIECE)
                rest = inflate.unconsumed_tail
    except zlib.error:
        raise BrokenArchiveError("a layer in it is no gzip") from None
    if not inflate.eof or inflate.unused_data:
        raise BrokenArchiveError("a layer in it is no gzip")


def unpacked_zstd(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What a frame of zstd holds, in pieces; a BrokenArchiveError if it is none.

    Raises:
        MissingToolError: the library is not installed.
    """
    library = zstd_library()
    unpack = library.ZstdDecompressor()
    first, whole = peeked(pieces)
    # Engines take what begins otherwise for a tar.
    if not first.startswith(ZSTD):
        raise BrokenArchiveError("a layer in it is no zstd")
    try:
        for piece in whole:
            if unpack.eof:
                raise BrokenArchiveError("a layer in it is no zstd")
            yield unpack.decompress(piece, PIECE)
            while not unpack.needs_input and not unpack.eof:
                yield unpack.decompress(b"", PIECE)
    except library.ZstdError:
        raise BrokenArchiveError("a layer in it is no zstd") from None
    if not unpack.eof or unpack.unused_data:
        raise BrokenArchiveError("a layer in it is no zstd")


UNPACK: Mapping[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    TAR_TYPE: plain,
    LAYER_TYPES["gzip"]: gunzipped,
    LAYER_TYPES["zstd"]: unpacked_zstd,
}


def pieces_of(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0 and (piece := file.read(min(size, PIECE))):
        size -= len(piece)
        yield piece


def each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; ValueError if it has a key twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("has a key twice")
    return found


def check_keys(content: Any, *, any_keys: bool = False) -> None:
    """Raises ValueError if Go, in which engines are written, reads other keys than we do: it ignores capitals."""
    if isinstance(content, dict):
        folded = {key.casefold(): key for key in content}
        if not any_keys and len(folded) < len(content):
            raise ValueError("has a key twice")
        if not any_keys and any(folded.get(key, name) != name for key, name in MAY_BE_THERE.items()):
            raise ValueError("has a key in other capitals")
        for key, each in content.items():
            check_keys(each, any_keys=key.casefold() in ANY_KEYS)
    elif isinstance(content, list):
        for each in content:
            check_keys(each)


def check_kind(content: Mapping[str, Any], media_type: str) -> None:
    """Raises ValueError if something else than an index or a manifest may be read in it."""
    is_this = content["schemaVersion"] == 2 and content.get("mediaType", media_type) == media_type
    if not is_this or not OF_OTHERS[media_type].isdisjoint(map(str.casefold, content)):
        raise ValueError("may be something else")


def no_number(name: str) -> float:
    """Raises ValueError for what engines take for no number, or for none that counts something."""
    raise ValueError(f"has {name} as a number")


def whole_number(digits: str) -> int:
    """A number in JSON; ValueError if it counts nothing that there is."""
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("is too long for a number")
    return int(digits)


def read_archive(path: Path) -> ArchivedImage:
    """The image in an archive that somebody names.

    Raises:
        ConfigError: there is none, or not exactly one, or its content is not what its digests say.
        MissingToolError: a layer is compressed by zstd, and the library for that is not installed.
    """
    try:
        with opened(path) as archive:
            return read_image(archive)
    except FileNotFoundError:
        why = "there is no such file"
    except OSError as error:
        why = error.strerror or str(error)
    except BrokenArchiveError as error:
        why = str(error)
    except ImageError as error:
        raise ConfigError(error.problem, NAME_OURS) from None
    raise ConfigError(f"{path} is no image archive: {why}.", NAME_OURS)


def read_saved(path: Path, built: Written | None = None) -> SavedImage:
    """The image in an archive of ours.

    Args:
        path: The archive.
        built: The image that it must hold, by the names that it must have; any will do if there is none.

    Raises:
        ImageError: there is none, or its content is not what its digests say, or not as it was written.
        MissingToolError: a layer is compressed by zstd, and the library for that is not installed.
    """
    with ours(path), opened(path) as archive:
        named = read_named(archive)
        if built:
            check_digest(named.image_id, built.image_id)
        described = read_described(archive)
        layers = named_layers(archive, named, described)
        if built:
            check_digest(described.manifest.digest, built.digest)
        references = built.references if built else named.references
        labels, config = described.content["annotations"], archive.read(blob_path(named.image_id))
        written = {
            blob_path(described.manifest.digest): image_manifest(
                config, [each.descriptor for each in described.layers], labels
            ),
            "index.json": layout_index(described.manifest.descriptor, references),
            "manifest.json": saved_names(named.image_id, references, named.layers),
            LAYOUT: LAYOUT_CONTENT,
        }
        for name, content in written.items():
            expected = canonical(content)
            if archive.find(name).size != len(expected) or archive.read(name) != expected:
                raise BrokenArchiveError(f"{name} in it is not as it was written")
        # The others are checked by whoever reads them.
        check_tars(described.layers, besides=layers)
        if built:
            digests = (named.image_id, *(each.digest for each in (*layers, *described.layers)))
            check_members(archive, {*written, *map(blob_path, digests)})
        return SavedImage(
            config=dict(described.config),
            kinds=[each["created_by"].rpartition(" ")[2] for each in described.config["history"]],
            layers=layers,
            references=named.references,
        )


def check_members(archive: Archive, files: Collection[str]) -> None:
    """Raises BrokenArchiveError unless an archive holds these files and their folders, in our order and as we write."""
    expected = [*FOLDERS, *sorted(files)]
    are_as_written = list(archive.members) == expected and all(map(is_as_written, archive.members.values()))
    archive.file.seek(0)
    if archive.file.read(len(BEGINNING)) != BEGINNING or not are_as_written:
        raise BrokenArchiveError("it does not hold just what was written, in that order")


def is_as_written(member: Member) -> bool:
    """Whether we write an entry of an archive so, whatever it holds."""
    mode = FOLDER_MODE if member.kind == "folder" else FILE_MODE
    return (member.mode, member.owner, member.modified, member.extended) == (mode, (0, 0), 0, frozenset())


def check_digest(found: str, built: str) -> None:
    """Raises BrokenArchiveError unless both are the same."""
    if found != built:
        raise BrokenArchiveError(f"it holds {found}, and {built} was built")


def read_checked(path: Path, built: Written | None = None) -> SavedImage:
    """The image in an archive of ours, after all of it was read; arguments and errors are those of `open_layers`."""
    image = read_saved(path, built)
    for layer in checked_layers(path, image.layers):
        for _ in layer:
            pass
    return image


def read_named(archive: Archive) -> Named:
    [entry] = archive.read_json("manifest.json")
    return Named(
        image_id=digest_of(entry["Config"]),
        references=[str(each) for each in entry["RepoTags"] or ()],
        layers=[digest_of(each) for each in entry["Layers"]],
    )


def named_layers(archive: Archive, named: Named, described: Described) -> list[SavedLayer]:
    """The layers that manifest.json names; BrokenArchiveError unless they are to be those of the other image."""
    if named.image_id != described.image_id or len(named.layers) != len(described.layers):
        raise BrokenArchiveError("its index.json and its manifest.json name different images")
    types = {each.digest: each.media_type for each in described.layers}
    return [
        saved_layer(archive, digest, other.diff_id, types.get(digest, LAYER_TYPES["gzip"]))
        for digest, other in zip(named.layers, described.layers, strict=True)
    ]


def saved_layer(archive: Archive, digest: str, diff_id: str, media_type: str) -> SavedLayer:
    member = archive.find(blob_path(digest))
    if not re.fullmatch(DIGEST, diff_id):
        raise BrokenArchiveError("it has a digest that is no SHA-256")
    if media_type not in UNPACK:
        raise BrokenArchiveError(f"it has a layer of the type {quoted(media_type)}, which is not read")
    return SavedLayer(
        archive=archive.path,
        start=member.start,
        size=member.size,
        digest=digest,
        diff_id=diff_id,
        media_type=media_type,
    )


def check_tars(layers: Iterable[SavedLayer], *, besides: Iterable[SavedLayer] = ()) -> None:
    """Raises BrokenArchiveError unless each layer, besides some, holds the tar that the configuration lists."""
    left, others = LARGEST, set(besides)
    for layer in dict.fromkeys(each for each in layers if each not in others):
        for piece in layer.tar():
            left -= len(piece)
            if left < 0:
                raise BrokenArchiveError(f"it unpacks to more than {megabytes(LARGEST)}")


def digest_of(name: str) -> str:
    """The digest of a blob, by its name in an archive."""
    digest = name.removeprefix(BLOBS).replace("/", ":")
    if not re.fullmatch(DIGEST, digest) or name != blob_path(digest):
        raise BrokenArchiveError(f"{quoted(name)}, which it names, is no blob")
    return digest


def open_layers(path: Path, built: Written | None = None) -> Iterator[Iterator[Member]]:
    """What the layers of an archive of ours hold, from the lowest to the highest, after all of it was checked.

    Args:
        path: The archive.
        built: As for `read_saved`.

    Raises:
        ImageError: there is no image in the archive, its content is not what its digests say, or an entry of a layer
            is none that we write, or could leave the folder that the layers are unpacked into.
    """
    layers = read_checked(path, built).layers
    # It may have become another file, so what is handed out is checked too.
    yield from checked_layers(path, layers)


def members_of(layer: SavedLayer) -> Iterator[Member]:
    """What a layer of an archive of ours holds; ImageError, maybe at the end, if it is another one."""
    with ours(layer.archive):
        yield from layer.members()


def checked_layers(path: Path, layers: Iterable[SavedLayer]) -> Iterator[Iterator[Member]]:
    """What layers hold; an ImageError instead of an entry that is none of ours, or after the last for a wrong link."""
    root = CheckedRoot(path)
    for layer in layers:
        yield root.members(layer)
    root.check_links()


class CheckedRoot:
    """The root of an image, as the layers of an archive of ours make it."""

    def __init__(self, path: Path) -> None:
        self.path, self.root, self.left = path, Root(), LARGEST

    def members(self, layer: SavedLayer) -> Iterator[Member]:
        """The entries of the next layer, put in; ImageError if one is none that we write, or they are too much."""
        with ours(layer.archive):
            yield from map(self.checked, read_members(Pieces(self.counted(layer.tar()))))

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


@contextlib.contextmanager
def ours(path: Path) -> Iterator[None]:
    """An ImageError if an archive, which we wrote, is broken."""
    try:
        yield
    except BrokenArchiveError as error:
        raise ImageError(f"{path} is no image archive: {error}.", BUILD_AGAIN) from None


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """An archive; a BrokenArchiveError if it, or what is read of it meanwhile, is not that of an image."""
    try:
        with open_regular(path) as file:
            yield Archive(path, file)
    except MemoryError:
        raise BrokenArchiveError("there is not enough memory to read it") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise BrokenArchiveError("its JSON is not that of an image") from None


def read_image(archive: Archive) -> ArchivedImage:
    described = read_described(archive)
    check_tars(described.layers)
    for members in checked_layers(archive.path, last_of_each(described.layers)):
        for _ in members:
            pass
    if "manifest.json" in archive.members:
        others = named_layers(archive, read_named(archive), described)
        check_tars(others, besides=described.layers)
    config, content = described.config, described.content
    descriptors = {each["digest"]: each for each in (content["config"], *content["layers"])}
    variant = config.get("variant", "")
    platform = [config["os"], config["architecture"], *([] if variant in ("", None) else [variant])]
    entrypoint = (config.get("config") or {}).get("Entrypoint") or []
    program, annotations = " ".join(entrypoint), content.get("annotations") or {}
    are_texts = isinstance(entrypoint, list) and all(isinstance(each, str) for each in annotations.values())
    are_words = all(re.fullmatch(PLATFORM_WORD, each) for each in platform)
    if not (are_texts and are_words and program.isprintable()):
        raise ValueError("is not what engines take")
    return ArchivedImage(
        manifest=described.manifest,
        blobs=tuple(read_blob(archive, each) for each in descriptors.values()),
        platform="/".join(platform),
        program=program,
        annotations=annotations,
    )


def read_described(archive: Archive) -> Described:
    index = archive.read_json("index.json")
    check_kind(index, INDEX_TYPE)
    entries = index["manifests"]
    if len(entries) != 1 or entries[0]["mediaType"] != MANIFEST_TYPE:
        raise BrokenArchiveError("it does not hold exactly one image")
    find_blob(archive, entries[0])
    content = archive.read_json(blob_path(entries[0]["digest"]))
    check_kind(content, MANIFEST_TYPE)
    if content["config"]["mediaType"] != CONFIG_TYPE:
        raise ValueError("is that of something else")
    find_blob(archive, content["config"])
    config = archive.read_json(blob_path(content["config"]["digest"]))
    diff_ids = config["rootfs"]["diff_ids"]
    if not isinstance(diff_ids, list) or len(diff_ids) != len(content["layers"]):
        raise BrokenArchiveError("it has not the layers that its configuration lists")
    for each in content["layers"]:
        find_blob(archive, each)
    return Described(
        manifest=read_blob(archive, entries[0]),
        content=content,
        config=config,
        layers=[
            saved_layer(archive, each["digest"], diff_id, each["mediaType"])
            for each, diff_id in zip(content["layers"], diff_ids, strict=True)
        ],
    )


def last_of_each(layers: Sequence[SavedLayer]) -> list[SavedLayer]:
    """The layers without those that lie above themselves once more, by which nothing is other."""
    return [*dict.fromkeys(reversed(layers))][::-1]


def read_blob(archive: Archive, descriptor: Mapping[str, Any]) -> Blob:
    find_blob(archive, descriptor)
    return Blob(media_type=str(descriptor["mediaType"]), content=archive.read(blob_path(descriptor["digest"])))


def find_blob(archive: Archive, descriptor: Mapping[str, Any]) -> None:
    """Raises BrokenArchiveError unless the archive has what a descriptor describes, and readers take it from there."""
    expected = descriptor["digest"]
    if not ELSEWHERE.isdisjoint(map(str.casefold, descriptor)):
        raise BrokenArchiveError("it has a blob that is to be taken from elsewhere")
    if not re.fullmatch(DIGEST, expected):
        raise BrokenArchiveError("it has a digest that is no SHA-256")
    if archive.find(blob_path(expected)).size != descriptor["size"]:
        raise BrokenArchiveError(f"the content of {expected} is another")
