"""What there is to say of an image that was written: the content of `image.json`, but for how it was built."""

from __future__ import annotations

from dataclasses import dataclass

from pystatic_tasks.config.model import Compression, Layout
from pystatic_tasks.oci.archive import Written


@dataclass(frozen=True, kw_only=True)
class LayerDescription:
    """One layer: what it holds, its digests, and its sizes in bytes, on disk and on the wire."""

    kind: str
    digest: str
    diff_id: str
    size_bytes: int
    compressed_bytes: int


@dataclass(frozen=True, kw_only=True)
class ImageDescription:
    """One image; `schemas/image.schema.json` says what each field means.

    `vendor` is who distributes it, if the configuration says so, else "".
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
        """By what its archive is known again."""
        return Written(digest=self.digest, image_id=self.image_id, references=self.tags)
