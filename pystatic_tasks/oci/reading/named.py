"""Reads the two tables of an archive, each for other engines; both must name the same image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pystatic_tasks.oci.blobs import Blob, blob_path
from pystatic_tasks.oci.manifest import CONFIG_TYPE, INDEX_TYPE, LAYER_TYPES, MANIFEST_TYPE
from pystatic_tasks.oci.reading.layers import SavedLayer, check_type, saved_layer
from pystatic_tasks.oci.reading.opened import Archive, digest_of, find_blob, read_blob
from pystatic_tasks.oci.reading.strict_json import check_kind
from pystatic_tasks.oci.tar_reader import BrokenArchiveError

# What tools add to an image in index.json; it does not affect unpacking.
NAMING = ("annotations", "artifactType", "platform")
# What Docker 25.0.1 to 26.0.0 adds to a configuration's descriptor.
OF_CONFIGURATION = ("platform",)


@dataclass(frozen=True, kw_only=True)
class Described:
    """The image that index.json names.

    Attributes:
        manifest: Its manifest.
        content: The content of the manifest.
        config: The configuration that the manifest names.
        layers: The layers that the manifest names.
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
    """The image that manifest.json names.

    Attributes:
        image_id: Digest of the configuration.
        references: Names of the image.
        layers: Digests of the layers.
    """

    image_id: str
    references: Sequence[str]
    layers: Sequence[str]


def read_described(archive: Archive) -> Described:
    index = archive.read_json("index.json")
    check_kind(index, INDEX_TYPE)
    descriptor = only_described(index["manifests"])
    find_blob(archive, descriptor)
    content = archive.read_json(blob_path(descriptor["digest"]))
    check_kind(content, MANIFEST_TYPE)
    if content["config"]["mediaType"] != CONFIG_TYPE:
        raise ValueError("is that of something else")
    find_blob(archive, without(content["config"], OF_CONFIGURATION))
    config = archive.read_json(blob_path(content["config"]["digest"]))
    diff_ids = config["rootfs"]["diff_ids"]
    if not isinstance(diff_ids, list) or len(diff_ids) != len(content["layers"]):
        raise BrokenArchiveError("its layers are not those that its configuration lists")
    for each in content["layers"]:
        find_blob(archive, each)
    return Described(
        manifest=read_blob(archive, descriptor),
        content=content,
        config=config,
        layers=[
            saved_layer(archive, each["digest"], diff_id, each["mediaType"])
            for each, diff_id in zip(content["layers"], diff_ids, strict=True)
        ],
    )


def only_described(entries: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The one descriptor in all entries of an index, which differ only in their names.

    Raises:
        BrokenArchiveError: there is none, they differ, or it does not describe an image.
    """
    first, *others = [without(entry, NAMING) for entry in entries] or [{}]
    if first.get("mediaType") != MANIFEST_TYPE or any(each != first for each in others):
        raise BrokenArchiveError("it does not hold exactly one image")
    return first


def without(descriptor: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: each for key, each in descriptor.items() if key not in keys}


def read_named(archive: Archive) -> Named:
    [entry] = archive.read_json("manifest.json")
    check_sources(archive, entry.get("LayerSources"))
    return Named(
        image_id=digest_of(entry["Config"]),
        references=[] if entry["RepoTags"] is None else texts_in(entry, "RepoTags"),
        layers=[digest_of(each) for each in texts_in(entry, "Layers")],
    )


def check_sources(archive: Archive, sources: Mapping[str, Mapping[str, Any]] | None) -> None:
    """Raise BrokenArchiveError if Docker may take a layer from elsewhere: these are descriptors of layers."""
    for descriptor in () if sources is None else sources.values():
        find_blob(archive, descriptor)
        check_type(descriptor["mediaType"])


def texts_in(entry: Mapping[str, Any], key: str) -> list[str]:
    found = entry[key]
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise BrokenArchiveError(f"{key} in its manifest.json is not a list of texts")
    return found


def named_layers(archive: Archive, named: Named, described: Described) -> list[SavedLayer]:
    """The layers that manifest.json names; raises BrokenArchiveError if it names another image than index.json."""
    if named.image_id != described.image_id or len(named.layers) != len(described.layers):
        raise BrokenArchiveError("its index.json and its manifest.json name different images")
    types = {each.digest: each.media_type for each in described.layers}
    return [
        saved_layer(archive, digest, other.diff_id, types.get(digest, LAYER_TYPES["gzip"]))
        for digest, other in zip(named.layers, described.layers, strict=True)
    ]
