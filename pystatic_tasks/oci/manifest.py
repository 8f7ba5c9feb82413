"""Builds the image's configuration and manifest, by the OCI image format specification 1.1.

https://github.com/opencontainers/image-spec
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from pystatic_tasks.config.model import Compression
from pystatic_tasks.oci.blobs import Blob, digest
from pystatic_tasks.oci.layers import Layer

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPES: Mapping[Compression, str] = {
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
}
HEALTHCHECK_TIMEOUT_NANOSECONDS = 10 * 10**9


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """How to run the image.

    Attributes:
        platform: Such as "linux/amd64".
        user: "UID:GID".
        entrypoint: The program and its fixed arguments.
        env: Environment variables, as "NAME=VALUE".
        ports: TCP ports to expose.
        labels: Labels, which are also the manifest's annotations.
        healthcheck: Command that ends with exit code 0 or 1; empty for none.
        volumes: Folders for data that outlives a container.
    """

    platform: str
    user: str
    entrypoint: Sequence[str]
    env: Sequence[str]
    ports: Sequence[int]
    labels: Mapping[str, str]
    healthcheck: Sequence[str] = ()
    volumes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class OciImage:
    """The blobs of an image, by role; `compression` selects the layers' blobs that the manifest names."""

    layers: Sequence[Layer]
    compression: Compression
    config: bytes
    manifest: bytes

    @property
    def image_id(self) -> str:
        """Digest of the configuration, by which Docker and Podman know the image."""
        return digest(self.config)

    @property
    def digest(self) -> str:
        """Digest of the manifest, by which registries know the image."""
        return digest(self.manifest)


def make_image(layers: Sequence[Layer], runtime: Runtime, created: int, compression: Compression) -> OciImage:
    """Describe the layers as an image.

    Args:
        layers: From the lowest to the highest.
        runtime: How to run the image.
        created: Time of creation, in seconds since 1970.
        compression: Selects the layers' blobs that the manifest names.
    """
    config = canonical(image_config(layers, runtime, created))
    blobs = [Blob(media_type=LAYER_TYPES[compression], content=layer.blobs[compression]) for layer in layers]
    manifest = image_manifest(config, [blob.descriptor for blob in blobs], runtime.labels)
    return OciImage(layers=layers, compression=compression, config=config, manifest=canonical(manifest))


def image_manifest(config: bytes, layers: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> dict[str, Any]:
    """The manifest of an image, from its configuration and the descriptors of its layers."""
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": Blob(media_type=CONFIG_TYPE, content=config).descriptor,
        "layers": list(layers),
        "annotations": dict(labels),
    }


def image_config(layers: Sequence[Layer], runtime: Runtime, created: int) -> dict[str, Any]:
    system, _, architecture = runtime.platform.partition("/")
    moment = timestamp(created)
    run: dict[str, Any] = {
        "User": runtime.user,
        "Env": list(runtime.env),
        "Entrypoint": list(runtime.entrypoint),
        "WorkingDir": "/",
        "Labels": dict(runtime.labels),
        "StopSignal": "SIGTERM",
    }
    if runtime.ports:
        run["ExposedPorts"] = {f"{port}/tcp": {} for port in runtime.ports}
    if runtime.volumes:
        run["Volumes"] = {volume: {} for volume in runtime.volumes}
    if runtime.healthcheck:
        # Not part of OCI, but Docker reads it here.
        run["Healthcheck"] = {"Test": ["CMD", *runtime.healthcheck], "Timeout": HEALTHCHECK_TIMEOUT_NANOSECONDS}
    return {
        "created": moment,
        "architecture": architecture,
        "os": system,
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": moment, "created_by": f"pystatic-tasks: {layer.kind}"} for layer in layers],
    }


def timestamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical(content: Any) -> bytes:
    """The canonical JSON of a content: one spelling only."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
