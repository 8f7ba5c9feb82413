"""A list of what is in an image, attached to the image in a registry.

By the referrers of the OCI specifications 1.1, and for registries without them by a tag that lists them:
https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#referrers-tag-schema
"""

from __future__ import annotations

from typing import Any

from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.manifest import INDEX_TYPE, MANIFEST_TYPE, canonical
from pystatic_tasks.oci.registry.answers import parse_json

SBOM_TYPE = "application/vnd.cyclonedx+json"
SBOM_NAME = "sbom.cdx.json"
# What stands for a configuration where there is none.
EMPTY = Blob(media_type="application/vnd.oci.empty.v1+json", content=b"{}")


def sbom_manifest(sbom: Blob, image: Blob) -> Blob:
    """The manifest that says of which image a list is."""
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
    """Whether it is a list of what is in the image with this manifest, by what it says of itself."""
    try:
        document = parse_json(content)
        hashes = [(each["alg"], each["content"]) for each in document["metadata"]["component"]["hashes"]]
    except (ValueError, LookupError, TypeError):
        return False
    return document.get("bomFormat") == "CycloneDX" and ("SHA-256", image.digest.removeprefix("sha256:")) in hashes


def fallback_tag(image: Blob) -> str:
    """The tag that lists what refers to an image, where the registry does not."""
    return image.digest.replace(":", "-")


def listed(there: bytes | None, manifest: Blob) -> Blob | None:
    """The list with one more entry; None if it is in it already.

    Args:
        there: The list as the registry has it.
        manifest: What refers to the image.
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
