"""What `image.tar` holds, read back; nothing of the archive itself is unpacked.

An archive is read as the OCI layout that it is, where every digest is checked, or as what `docker save` writes:
that names the layers which engines unpack, always in gzip.
https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pystatic_tasks.errors import ConfigError, ImageError
from pystatic_tasks.oci.blobs import Blob, blob_path
from pystatic_tasks.oci.manifest import MANIFEST_TYPE
from pystatic_tasks.oci.tar_entries import problem

DIGEST = "sha256:[0-9a-f]{64}"
BUILD_AGAIN = "Build the image again."


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
class SavedImage:
    """One image, as `docker load` reads it.

    Attributes:
        config: Its configuration.
        layers: Its layers in gzip, from the lowest to the highest.
        references: Its names.
    """

    config: Mapping[str, Any]
    layers: Sequence[bytes]
    references: Sequence[str]


class BrokenArchiveError(Exception):
    """What is wrong with an archive, as the end of a sentence."""


def read_archive(path: Path) -> ArchivedImage:
    """The image in an archive that somebody names.

    Raises:
        ConfigError: there is none, or not exactly one, or its content is not what its digests say.
    """
    try:
        with opened(path) as tar:
            return read_image(tar)
    except FileNotFoundError:
        why = "there is no such file"
    except OSError as error:
        why = error.strerror or str(error)
    except BrokenArchiveError as error:
        why = str(error)
    raise ConfigError(f"{path} is no image archive: {why}.", "Name an image.tar that the session image has written.")


def read_saved(path: Path) -> SavedImage:
    """The image in an archive of ours.

    Raises:
        ImageError: there is none.
    """
    with opened_ours(path) as tar:
        entry = saved_entry(tar)
        return SavedImage(
            config=json.loads(read_member(tar, entry["Config"])),
            layers=[read_member(tar, name) for name in entry["Layers"]],
            references=entry["RepoTags"],
        )


def read_layers(path: Path) -> Iterator[bytes]:
    """The layers of an archive of ours in gzip, read one after the other, from the lowest to the highest.

    Raises:
        ImageError: there is no image in it.
    """
    with opened_ours(path) as tar:
        for name in saved_entry(tar)["Layers"]:
            yield read_member(tar, name)


def open_layers(path: Path) -> Iterator[tarfile.TarFile]:
    """The same, each opened.

    Raises:
        ImageError: there is no image in the archive, or an entry of a layer is none that we write,
            or could leave the folder that the layers are unpacked into.
    """
    links: set[str] = set()
    for blob in read_layers(path):
        with tarfile.open(fileobj=io.BytesIO(blob)) as layer:
            for entry in layer.getmembers():
                check_entry(path, entry, links)
            yield layer


def check_entry(archive: Path, entry: tarfile.TarInfo, links: set[str]) -> None:
    """Check one entry; `links` are the names of the links so far, and gets its own."""
    wrong = problem(entry.name, entry.linkname)
    if not (entry.isreg() or entry.isdir() or entry.issym()):
        wrong = "is neither a file nor a folder nor a symbolic link"
    if not links.isdisjoint(map(str, PurePosixPath(entry.name).parents)):
        wrong = "lies behind a link"
    if wrong:
        raise ImageError(f"{archive} holds {entry.name!r}, which {wrong}.", BUILD_AGAIN)
    if entry.issym():
        links.add(entry.name)


@contextlib.contextmanager
def opened_ours(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with opened(path) as tar:
            yield tar
    except BrokenArchiveError as error:
        raise ImageError(f"{path} is no image archive: {error}.", BUILD_AGAIN) from None


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    """An archive; a BrokenArchiveError if it, or what is read of it meanwhile, is not that of an image."""
    try:
        with tarfile.open(path, mode="r:") as tar:
            yield tar
    except tarfile.TarError:
        raise BrokenArchiveError("it is no tar") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise BrokenArchiveError("its JSON is not that of an image") from None


def read_image(tar: tarfile.TarFile) -> ArchivedImage:
    entries = json.loads(read_member(tar, "index.json"))["manifests"]
    if len(entries) != 1 or entries[0]["mediaType"] != MANIFEST_TYPE:
        raise BrokenArchiveError("it does not hold exactly one image")
    manifest = read_blob(tar, entries[0])
    content = json.loads(manifest.content)
    blobs = [read_blob(tar, each) for each in (content["config"], *content["layers"])]
    config = json.loads(blobs[0].content)
    platform = [config["os"], config["architecture"], config.get("variant")]
    return ArchivedImage(
        manifest=manifest,
        blobs=tuple({blob.digest: blob for blob in blobs}.values()),
        platform="/".join(filter(None, platform)),
        program=" ".join((config.get("config") or {}).get("Entrypoint") or []),
        annotations=content.get("annotations") or {},
    )


def saved_entry(tar: tarfile.TarFile) -> Mapping[str, Any]:
    """What `manifest.json` says of the only image; its paths lead to members of the archive."""
    [entry] = json.loads(read_member(tar, "manifest.json"))
    return dict(entry)


def read_blob(tar: tarfile.TarFile, descriptor: Mapping[str, Any]) -> Blob:
    expected = descriptor["digest"]
    if not re.fullmatch(DIGEST, expected):
        raise BrokenArchiveError("it has a digest that is no SHA-256")
    blob = Blob(media_type=descriptor["mediaType"], content=read_member(tar, blob_path(expected)))
    if blob.digest != expected or len(blob.content) != descriptor["size"]:
        raise BrokenArchiveError(f"the content of {expected} is another")
    return blob


def read_member(tar: tarfile.TarFile, name: str) -> bytes:
    """The content of a file in a tar.

    Raises:
        BrokenArchiveError: there is none of that name.
    """
    try:
        member = tar.getmember(name)
    except KeyError:
        raise BrokenArchiveError(f"{name} is not in it") from None
    # Never what a link leads to.
    file = tar.extractfile(member) if member.isreg() else None
    if file is None:
        raise BrokenArchiveError(f"{name} in it is no file")
    return file.read()
