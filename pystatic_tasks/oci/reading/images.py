"""Reads and checks the image in an `image.tar`, without unpacking the archive.

An archive is an OCI layout, which Podman and containerd read, and usually also in the format of `docker save`, which
Docker reads. Both must name the same image: one configuration, and layers whose tars have the digests that it lists.
A blob is used only after its digest has been checked.
https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from pystatic_tasks.oci.manifest import LAYER_TYPES, canonical, image_manifest
from pystatic_tasks.oci.reading.layers import SavedLayer, check_tars
from pystatic_tasks.oci.reading.named import Described, Named, named_layers, read_described, read_named
from pystatic_tasks.oci.reading.opened import Archive, opened, ours, read_blob
from pystatic_tasks.oci.reading.root import checked_layers
from pystatic_tasks.oci.tar_reader import BrokenArchiveError, Member

NAME_OURS = "Name an image.tar that the image session wrote."
# The first name in an archive of ours; engines decompress an archive that begins like compressed data.
BEGINNING = f"{FOLDERS[0]}/\0".encode()
# An operating system, an architecture or its variant, such as "linux", "arm64" and "v8".
PLATFORM_WORD = "[A-Za-z0-9][A-Za-z0-9._-]{0,31}"


@dataclass(frozen=True, kw_only=True)
class ArchivedImage:
    """One image.

    Attributes:
        manifest: Its manifest, as it was written.
        blobs: Its configuration and its layers, each once.
        platform: Such as "linux/amd64" or "linux/arm/v7".
        program: The program that it runs, such as "/shop".
        annotations: The annotations of its manifest.
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
        archive: The archive that contains it.
        config: Its configuration.
        kinds: What its layers contain, such as "program", from the lowest to the highest.
        layers: The layers, in the same order.
        references: Its names.
    """

    archive: Path
    config: Mapping[str, Any]
    kinds: Sequence[str]
    layers: Sequence[SavedLayer]
    references: Sequence[str]


def read_archive(path: Path) -> ArchivedImage:
    """The image in an archive that the user names.

    Raises:
        ConfigError: the archive does not contain exactly one image, or its digests are wrong.
        MissingToolError: a layer is compressed with zstd, and the library for that is not installed.
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
    raise ConfigError(f"{path} is not an image archive: {why}.", NAME_OURS)


def read_image(archive: Archive) -> ArchivedImage:
    described = read_described(archive)
    if archive.read_json(LAYOUT) != LAYOUT_CONTENT:
        raise ValueError("is a layout of another version")
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
    started = config.get("config") or {}
    entrypoint, labels = started.get("Entrypoint") or [], started.get("Labels") or {}
    program, annotations = " ".join(entrypoint), content.get("annotations") or {}
    texts = (*labels.values(), *annotations.values())
    are_texts = isinstance(entrypoint, list) and all(isinstance(each, str) for each in texts)
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


def last_of_each(layers: Sequence[SavedLayer]) -> list[SavedLayer]:
    """The layers without earlier duplicates, which do not affect the result."""
    return [*dict.fromkeys(reversed(layers))][::-1]


def read_saved(path: Path, built: Written | None = None) -> SavedImage:
    """The image in an archive of ours.

    Args:
        path: The archive.
        built: The image that it must contain, with the names that it must have; None for any image.

    Raises:
        ImageError: there is no image, its digests are wrong, or it is not as we write it.
        MissingToolError: a layer is compressed with zstd, and the library for that is not installed.
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
        for_docker = layers_for_docker(named, described) if built else named.layers
        labels, config = described.content["annotations"], archive.read(blob_path(named.image_id))
        written = {
            blob_path(described.manifest.digest): image_manifest(
                config, [each.descriptor for each in described.layers], labels
            ),
            "index.json": layout_index(described.manifest.descriptor, references),
            "manifest.json": saved_names(named.image_id, references, for_docker),
            LAYOUT: LAYOUT_CONTENT,
        }
        for name, content in written.items():
            expected = canonical(content)
            if archive.find(name).size != len(expected) or archive.read(name) != expected:
                raise BrokenArchiveError(f"{name} in it is not as it was written")
        # The other layers are checked when they are read.
        check_tars(described.layers, besides=layers)
        if built:
            digests = (named.image_id, *(each.digest for each in (*layers, *described.layers)))
            check_members(archive, {*written, *map(blob_path, digests)})
        return SavedImage(
            archive=path,
            config=dict(described.config),
            kinds=[each["created_by"].rpartition(" ")[2] for each in described.config["history"]],
            layers=layers,
            references=named.references,
        )


def layers_for_docker(named: Named, described: Described) -> list[str]:
    """The digests that manifest.json must list: of the image's own layers, or of any in place of those in zstd."""
    pairs = zip(named.layers, described.layers, strict=True)
    return [listed if own.media_type == LAYER_TYPES["zstd"] else own.digest for listed, own in pairs]


def check_members(archive: Archive, files: Collection[str]) -> None:
    """Raise BrokenArchiveError unless an archive has exactly these files and their folders, in our order and form."""
    expected = [*FOLDERS, *sorted(files)]
    are_as_written = list(archive.members) == expected and all(map(is_as_written, archive.members.values()))
    archive.file.seek(0)
    if archive.file.read(len(BEGINNING)) != BEGINNING or not are_as_written:
        raise BrokenArchiveError("it does not hold just what was written, in that order")


def is_as_written(member: Member) -> bool:
    """Whether an entry of an archive has the mode, owner, time and headers that we write."""
    mode = FOLDER_MODE if member.kind == "folder" else FILE_MODE
    return (member.mode, member.owner, member.modified, member.extended) == (mode, (0, 0), 0, frozenset())


def check_digest(found: str, built: str) -> None:
    """Raise BrokenArchiveError unless both digests are the same."""
    if found != built:
        raise BrokenArchiveError(f"it holds {found}, and {built} was built")


def read_checked(path: Path, built: Written | None = None) -> SavedImage:
    """The image in an archive of ours, after checking all of it; arguments and errors are those of `open_layers`."""
    image = read_saved(path, built)
    for layer in checked_layers(path, image.layers):
        for _ in layer:
            pass
    return image


def open_layers(path: Path, built: Written | None = None) -> Iterator[Iterator[Member]]:
    """The members of the layers in an archive of ours, from the lowest to the highest, after checking all of it.

    Args:
        path: The archive.
        built: See `read_saved`.

    Raises:
        ImageError: there is no image in the archive, its digests are wrong, or a layer has an entry that we do not
            write, or that could leave the folder that the layers are unpacked into.
    """
    layers = read_checked(path, built).layers
    # The file may have been replaced meanwhile, so check again while yielding.
    yield from checked_layers(path, layers)
