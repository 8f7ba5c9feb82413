"""Writes one archive that Docker, Podman, containerd and skopeo load.

It is an OCI layout (`oci-layout`, `index.json`, `blobs/`) and, through a `manifest.json` that
points at its blobs, also in the format of `docker save`: the classic `docker load` reads nothing
else, and only layers in gzip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pystatic_tasks.oci.blobs import Blob, blob_path, digest
from pystatic_tasks.oci.layers import Entry, write_tar
from pystatic_tasks.oci.manifest import INDEX_TYPE, MANIFEST_TYPE, OciImage, canonical
from pystatic_tasks.oci.references import DOCKER_HUB, names_registry

# The file that marks a folder as an OCI layout.
LAYOUT = "oci-layout"
LAYOUT_CONTENT = {"imageLayoutVersion": "1.0.0"}
FOLDERS = ("blobs", "blobs/sha256")
FOLDER_MODE, FILE_MODE = 0o755, 0o644


@dataclass(frozen=True, kw_only=True)
class Written:
    """What identifies an archive.

    Attributes:
        digest: Digest of the image's manifest.
        image_id: Digest of its configuration.
        references: The image's names.
    """

    digest: str
    image_id: str
    references: Sequence[str]


def write_archive(image: OciImage, references: Sequence[str]) -> bytes:
    """The archive's bytes; the same for the same image and references."""
    layers = [blob for layer in image.layers for blob in layer.blobs.values()]
    blobs = {content: blob_path(digest(content)) for content in (image.config, image.manifest, *layers)}
    files: dict[str, bytes] = {
        "index.json": canonical(index(image, references)),
        "manifest.json": canonical(
            saved_names(image.image_id, references, [digest(layer.blobs["gzip"]) for layer in image.layers])
        ),
        **{path: content for content, path in blobs.items()},
    }
    return write_layout(files)


def saved_names(image_id: str, references: Sequence[str], layers: Sequence[str]) -> list[dict[str, object]]:
    """The `manifest.json` of `docker save` for one image, from the digests of its configuration and layers."""
    return [
        {
            "Config": blob_path(image_id),
            "RepoTags": list(references),
            "Layers": [blob_path(each) for each in layers],
        }
    ]


def write_layout(files: Mapping[str, bytes]) -> bytes:
    """A tar of an OCI layout, from the contents of its files by path."""
    files = {LAYOUT: canonical(LAYOUT_CONTENT), **files}
    folders = [Entry(path=path, mode=FOLDER_MODE) for path in FOLDERS]
    entries = folders + [Entry(path=path, mode=FILE_MODE, content=files[path]) for path in sorted(files)]
    return write_tar(entries, modified=0)


def index(image: OciImage, references: Sequence[str]) -> dict[str, object]:
    """The layout's index: one image, under only the first reference, so that readers need not choose."""
    return layout_index(Blob(media_type=MANIFEST_TYPE, content=image.manifest).descriptor, references)


def layout_index(entry: dict[str, Any], references: Sequence[str]) -> dict[str, object]:
    """The index of a layout with one entry, under the first reference."""
    if references:
        entry["annotations"] = {
            "io.containerd.image.name": full_name(references[0]),
            "org.opencontainers.image.ref.name": references[0].rpartition(":")[2],
        }
    return {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}


def full_name(reference: str) -> str:
    """A reference with its registry, as containerd requires it."""
    if names_registry(reference):
        return reference
    return f"{DOCKER_HUB}/{reference}" if "/" in reference else f"{DOCKER_HUB}/library/{reference}"
