"""The step: from `image.tar` to registries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pystatic_tasks.config.model import Image
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.host import Host
from pystatic_tasks.pipeline import megabytes, require_manifest, write_whole
from pystatic_tasks.push.archive import read_archive
from pystatic_tasks.push.send import Content, Sent, read_sbom, require_targets, send
from pystatic_tasks.terminal import add_to_job_outputs

# Of push.json; described by schemas/push.schema.json.
REPORT_VERSION = 1


def push(image: Image, host: Host) -> Mapping[str, Any]:
    """Send the image to every registry that a tag names, and write `dist/pystatic/NAME/push.json`.

    Returns:
        What `push.json` says.

    Raises:
        ConfigError: no tag names a registry.
        MissingToolError: the library for it is not installed.
        PushError: a registry could not be reached, or does not take something.
    """
    references = require_targets(image, host)
    built = require_manifest(image, "image").facts
    report_path = image.dist / "push.json"
    report_path.unlink(missing_ok=True)
    archived = read_archive(image.dist / "image.tar")
    if archived.manifest.digest != built["digest"]:
        raise PystaticError(
            f"{image.dist / 'image.tar'} does not hold {built['digest']}.", "Run the image session again."
        )
    sbom = read_sbom(image.dist)
    sboms = {archived.manifest.digest: sbom} if sbom else {}
    sent = send(Content(images=[archived], top=archived.manifest, sboms=sboms), references, host)
    host.say(summary(sent))
    report = {
        "version": REPORT_VERSION,
        "name": image.name,
        "tags": [str(each) for each in references],
        "digest": archived.manifest.digest,
        "references": list(sent.references),
        "bytes_sent": sent.bytes_sent,
        "blobs_sent": sent.blobs_sent,
        "blobs_there": sent.blobs_there,
        "sbom": sent.sboms.get(archived.manifest.digest),
    }
    write_whole(report_path, json.dumps(report, indent=2) + "\n")
    add_to_job_outputs({"digest": archived.manifest.digest, "reference": sent.references[0]})
    return report


def summary(sent: Sent) -> str:
    """What a push took, in one line."""
    return f"{megabytes(sent.bytes_sent)} sent: {sent.blobs_sent} blobs, and {sent.blobs_there} were there already"
