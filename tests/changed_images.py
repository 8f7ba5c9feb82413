"""Images as somebody else may have changed them: any tar as a layer, with all digests as they should be."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pystatic_tasks.oci.archive import write_archive
from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.layers import Layer
from pystatic_tasks.oci.manifest import CONFIG_TYPE, OciImage, Runtime, make_image

RUNTIME = Runtime(platform="linux/amd64", user="1:1", entrypoint=["/shop"], env=[], ports=[], labels={})


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", *, mode: int = 0o755) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


def link(name: str, target: str) -> tarfile.TarInfo:
    return entry(name, tarfile.SYMTYPE, target)


def tar_of(entries: Iterable[tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """A tar, written without any check; what has no content is empty."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for each in entries:
            info, content = each if isinstance(each, tuple) else (each, b"")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def make_changed(*tars: bytes) -> OciImage:
    layers = [Layer(kind="x", tar=tar, blobs={"gzip": gzip.compress(tar, mtime=0)}, size_bytes=0) for tar in tars]
    return make_image(layers, RUNTIME, 0, "gzip")


def write_changed(path: Path, *layers: Iterable[tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]]) -> Path:
    """An `image.tar` with layers of these entries."""
    path.write_bytes(write_archive(make_changed(*map(tar_of, layers)), ["shop:latest"]))
    return path


def make_sbom(image: Blob) -> bytes:
    """What says of itself that it lists what is in the image with this manifest."""
    hashes = [{"alg": "SHA-256", "content": image.digest.removeprefix("sha256:")}]
    return json.dumps({"bomFormat": "CycloneDX", "metadata": {"component": {"hashes": hashes}}}).encode()


def with_json(
    path: Path,
    *,
    config: dict[str, Any] | None = None,
    manifest: dict[str, Any] | None = None,
    left_out: Sequence[str] = (),
) -> Path:
    """An archive whose configuration and manifest have other keys, and the manifest not those that are left out."""
    image = make_changed()
    content = json.dumps({**json.loads(image.config), **(config or {})}).encode()
    described = {"config": Blob(media_type=CONFIG_TYPE, content=content).descriptor, **(manifest or {})}
    there = {key: each for key, each in json.loads(image.manifest).items() if key not in left_out}
    changed = json.dumps({**there, **described}).encode()
    path.write_bytes(write_archive(replace(image, config=content, manifest=changed), []))
    return path
