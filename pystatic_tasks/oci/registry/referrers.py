"""Builds what attaches a bill of materials to an image in a registry.

It uses the referrers of the OCI specifications 1.1, and for registries without them a tag that lists them:
https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#referrers-tag-schema
"""

from __future__ import annotations

from typing import Any

from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.manifest import INDEX_TYPE, MANIFEST_TYPE, canonical
from pystatic_tasks.oci.registry.answers import parse_json

SBOM_TYPE = "application/vnd.cyclonedx+json"
SBOM_NAME = "sbom.cdx.json"
# Replaces the configuration, which a bill of materials does not have.
EMPTY = Blob(media_type="application/vnd.oci.empty.v1+json", content=b"{}")


def sbom_manifest(sbom: Blob, image: Blob) -> Blob:
    """The manifest that connects a bill of materials with its image."""
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": SBOM_TYPE,
        "config": EMPTY.descriptor,
        "layers": [{**sbom.descriptor, "annotations": {"org.opencontainers.image.title": SBOM_NAME}}],
        "subject": image.descriptor,
    }
    return Blob(media_type=MANIFEST_TYPE, content=canonical(content))


def is_sbom(content: bytes, image: Blob) -> bool:
    """Whether it is a bill of materials that names the digest of this image."""
    try:
        document = parse_json(content)
        hashes = [(each["alg"], each["content"]) for each in document["metadata"]["component"]["hashes"]]
    except (ValueError, LookupError, TypeError):
        return False
    return document.get("bomFormat") == "CycloneDX" and ("SHA-256", image.digest.removeprefix("sha256:")) in hashes


def fallback_tag(image: Blob) -> str:
    """The tag that lists the referrers of an image, for registries that do not."""
    return image.digest.replace(":", "-")


def listed(there: bytes | None, manifest: Blob) -> Blob | None:
    """The list of referrers with one more entry; None if it already has the entry.

    Args:
        there: The list in the registry; None if there is none.
        manifest: The manifest that refers to the image.
    """
    entries = read_entries(there)
    if any(each.get("digest") == manifest.digest for each in entries):
        return None
    entries.append({**manifest.descriptor, "artifactType": SBOM_TYPE})
    content = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
    return Blob(media_type=INDEX_TYPE, content=canonical(content))


def read_entries(there: bytes | None) -> list[dict[str, Any]]:
    try:
        content = parse_json(there or b"{}")
    except ValueError:
        return []
    entries = content.get("manifests") if isinstance(content, dict) else None
    return [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
