"""The layers of an `image.tar`, read back."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path


def open_layers(archive: Path) -> Iterator[tarfile.TarFile]:
    """The layers, opened one after the other, from the lowest to the highest."""
    for blob in read_layers(archive):
        with tarfile.open(fileobj=io.BytesIO(blob)) as layer:
            yield layer


def read_layers(archive: Path) -> Iterator[bytes]:
    """The layers' gzip blobs, from the lowest to the highest."""
    with tarfile.open(archive) as tar:
        [image] = json.loads(read(tar, "manifest.json"))
        for name in image["Layers"]:
            yield read(tar, name)


def read(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(name)
    assert member is not None
    return member.read()
