"""The step that joins images of several platforms to one.

https://github.com/opencontainers/image-spec/blob/main/image-index.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pystatic_tasks.config.model import Image
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.host import Host
from pystatic_tasks.image.archive import layout_index, write_layout
from pystatic_tasks.image.oci import INDEX_TYPE, canonical
from pystatic_tasks.pipeline import shown, write_whole
from pystatic_tasks.push.archive import ArchivedImage, Blob, read_archive
from pystatic_tasks.push.send import Content, Sent, read_sbom, send, targets
from pystatic_tasks.push.step import summary
from pystatic_tasks.terminal import add_to_job_outputs

# Of index.json; described by schemas/index.schema.json.
REPORT_VERSION = 1
NOTHING_SENT = Sent(references=[], bytes_sent=0, blobs_sent=0, blobs_there=0, sboms={})


def index(image: Image, host: Host) -> Mapping[str, Any]:
    """Join archives, write `index.tar` and `index.json` into `dist/pystatic/NAME`, and push where a tag says so.

    Returns:
        What `index.json` says.

    Raises:
        ConfigError: there are no archives, one holds no image or another one's, or two are for one platform.
        MissingToolError: the library for pushing is not installed.
        PushError: a registry could not be reached, or does not take something.
    """
    paths = [image.root / each for each in host.archives]
    images = read_archives(image, paths, host)
    top = make_index(list(images.values()))
    report_path, archive_path = image.dist / "index.json", image.dist / "index.tar"
    report_path.unlink(missing_ok=True)
    write_whole(archive_path, make_archive(list(images.values()), top, image.references))
    platforms = ", ".join(each.platform for each in images.values())
    host.say(f"{shown(image, archive_path)}: {', '.join(image.references)} {top.digest} for {platforms}")
    sent = NOTHING_SENT
    if targets(image):
        sboms = {each.manifest.digest: read_sbom(path.parent) for path, each in images.items()}
        found = {digest: sbom for digest, sbom in sboms.items() if sbom}
        sent = send(Content(images=list(images.values()), top=top, sboms=found), targets(image), host)
        host.say(summary(sent))
    report = {
        "version": REPORT_VERSION,
        "name": image.name,
        "tags": list(image.references),
        "digest": top.digest,
        "platforms": [describe(each, sent) for each in images.values()],
        "references": list(sent.references),
        "bytes_sent": sent.bytes_sent,
        "blobs_sent": sent.blobs_sent,
        "blobs_there": sent.blobs_there,
    }
    write_whole(report_path, json.dumps(report, indent=2) + "\n")
    if sent.references:
        add_to_job_outputs({"digest": top.digest, "reference": sent.references[0]})
    return report


def read_archives(image: Image, paths: Sequence[Path], host: Host) -> dict[Path, ArchivedImage]:
    """The images in archives, in the order of their platforms.

    Raises:
        ConfigError: there are none, one holds no image or another one's, or two are for one platform.
    """
    if not paths:
        typed = host.command("index", "--archive", "amd64/image.tar", "--archive", "arm64/image.tar")
        raise ConfigError("There are no archives to join.", f"Name one for each platform: {typed or '--archive FILE'}.")
    found: dict[Path, ArchivedImage] = {}
    for path in paths:
        read = read_archive(path)
        if read.program != f"/{image.name}":
            raise ConfigError(
                f"{path} is an image of {read.program}, not of /{image.name}.", "Name archives of one image."
            )
        same = next((other for other, each in found.items() if each.platform == read.platform), None)
        if same:
            raise ConfigError(f"{same} and {path} are both for {read.platform}.", "Name one archive for each platform.")
        found[path] = read
    return dict(sorted(found.items(), key=lambda each: each[1].platform))


def make_index(images: Sequence[ArchivedImage]) -> Blob:
    """The index of images, with the annotations that they share."""
    first, *others = [each.annotations for each in images]
    shared = {key: text for key, text in first.items() if all(each.get(key) == text for each in others)}
    content = {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [{**each.manifest.descriptor, "platform": platform(each.platform)} for each in images],
        "annotations": shared,
    }
    return Blob(media_type=INDEX_TYPE, content=canonical(content))


def platform(text: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


def make_archive(images: Sequence[ArchivedImage], top: Blob, references: Sequence[str]) -> bytes:
    """An OCI layout of images and their index."""
    blobs = [top, *(blob for image in images for blob in (image.manifest, *image.blobs))]
    files = {
        "oci-layout": canonical({"imageLayoutVersion": "1.0.0"}),
        "index.json": canonical(layout_index(top.descriptor, references)),
        **{f"blobs/{blob.digest.replace(':', '/')}": blob.content for blob in blobs},
    }
    return write_layout(files)


def describe(image: ArchivedImage, sent: Sent) -> dict[str, Any]:
    return {
        "platform": image.platform,
        "digest": image.manifest.digest,
        "compressed_bytes": sum(len(blob.content) for blob in image.blobs[1:]),
        "sbom": sent.sboms.get(image.manifest.digest),
    }
