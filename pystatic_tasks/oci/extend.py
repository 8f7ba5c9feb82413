"""Adds one layer to an image."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.compression import gzip
from pystatic_tasks.oci.layers import Entry, Layer, make_layer
from pystatic_tasks.oci.manifest import LAYER_TYPES, OciImage, canonical, image_manifest
from pystatic_tasks.oci.reading.images import SavedImage
from pystatic_tasks.oci.reading.layers import SavedLayer
from pystatic_tasks.oci.reading.opened import as_of_image, ours


def with_layer(
    saved: SavedImage, kind: str, entries: Sequence[Entry], *, entrypoint: Sequence[str], env: Mapping[str, str]
) -> OciImage:
    """The image with these entries above its own, run by another program; its labels and health check are not kept.

    Args:
        saved: The image.
        kind: What the new layer contains.
        entries: The entries; each folder before its contents.
        entrypoint: The program and its fixed arguments.
        env: Environment variables, which override the image's own.

    Raises:
        ImageError: an entry is not allowed in an archive, or the image's archive has changed or its configuration is
            not as we write it.
    """
    added = make_layer(kind, entries, 0, {"gzip": gzip})
    with ours(saved.archive), as_of_image():
        layers = [*(kept(each, layer) for each, layer in zip(saved.kinds, saved.layers, strict=True)), added]
        config = canonical(changed_config(saved.config, layers, entrypoint, env))
    blobs = [Blob(media_type=LAYER_TYPES["gzip"], content=layer.blobs["gzip"]) for layer in layers]
    manifest = image_manifest(config, [blob.descriptor for blob in blobs], {})
    return OciImage(layers=layers, compression="gzip", config=config, manifest=canonical(manifest))


def changed_config(
    before: Mapping[str, Any], layers: Sequence[Layer], entrypoint: Sequence[str], env: Mapping[str, str]
) -> dict[str, Any]:
    """The configuration for these layers, of which the last is new, and for another program."""
    config = copy.deepcopy(dict(before))
    variables = {**dict(text.split("=", 1) for text in config["config"]["Env"]), **env}
    texts = [f"{name}={value}" for name, value in sorted(variables.items())]
    config["config"].update(Entrypoint=list(entrypoint), Env=texts, Labels={})
    config["config"].pop("Healthcheck", None)
    config["rootfs"]["diff_ids"] = [layer.diff_id for layer in layers]
    config["history"].append({"created": config["created"], "created_by": f"pystatic-tasks: {layers[-1].kind}"})
    return config


def kept(kind: str, layer: SavedLayer) -> Layer:
    """A layer of the image in memory; those for `docker load` are always gzip."""
    tar, blob = b"".join(layer.tar()), b"".join(layer.content())
    size_bytes = sum(each.size for each in layer.members())
    return Layer(kind=kind, tar=tar, blobs={"gzip": blob}, size_bytes=size_bytes)
