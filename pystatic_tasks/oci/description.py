"""Describes an image that was written: the content of `image.json`, except how it was built."""

from __future__ import annotations

from dataclasses import dataclass

from pystatic_tasks.config.model import Compression, Layout
from pystatic_tasks.oci.archive import Written


@dataclass(frozen=True, kw_only=True)
class LayerDescription:
    """One layer: what it contains, its digests, and its sizes in bytes, unpacked and compressed."""

    kind: str
    digest: str
    diff_id: str
    size_bytes: int
    compressed_bytes: int


@dataclass(frozen=True, kw_only=True)
class ImageDescription:
    """One image; `schemas/image.schema.json` describes each field.

    `vendor` is the distributor that the configuration names, or "".
    """

    version: int
    name: str
    tags: tuple[str, ...]
    digest: str
    image_id: str
    layout: Layout
    compression: Compression
    platform: str
    python: str
    created: str
    size_bytes: int
    compressed_bytes: int
    layers: tuple[LayerDescription, ...]
    vendor: str = ""

    @property
    def written(self) -> Written:
        """What identifies its archive."""
        return Written(digest=self.digest, image_id=self.image_id, references=self.tags)
