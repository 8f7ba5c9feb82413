from __future__ import annotations

import json

import pytest

from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.registry.referrers import fallback_tag, listed, sbom_manifest

IMAGE = Blob(media_type="application/vnd.oci.image.manifest.v1+json", content=b"the image")
SBOM = Blob(media_type="application/vnd.cyclonedx+json", content=b"the list")
EMPTY_DIGEST = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # As the specification has it.


def test_its_manifest_says_of_which_image_it_is() -> None:
    manifest = sbom_manifest(SBOM, IMAGE)
    assert manifest.media_type == "application/vnd.oci.image.manifest.v1+json"
    assert json.loads(manifest.content) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.cyclonedx+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": EMPTY_DIGEST, "size": 2},
        "layers": [{**SBOM.descriptor, "annotations": {"org.opencontainers.image.title": "sbom.cdx.json"}}],
        "subject": IMAGE.descriptor,
    }


def test_the_tag_that_lists_it_is_made_of_the_images_digest() -> None:
    assert fallback_tag(IMAGE) == f"sha256-{IMAGE.digest.removeprefix('sha256:')}"


@pytest.mark.parametrize(
    "there", [None, b"", b"no JSON", b"[]", b'{"manifests": null}', b'{"manifests": true}', b"[" * 9999]
)
def test_the_first_entry_begins_the_list(there: bytes | None) -> None:
    manifest = sbom_manifest(SBOM, IMAGE)
    index = listed(there, manifest)
    assert index is not None
    assert index.media_type == "application/vnd.oci.image.index.v1+json"
    assert json.loads(index.content) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{**manifest.descriptor, "artifactType": "application/vnd.cyclonedx+json"}],
    }


def test_entries_of_others_stay() -> None:
    other = {"mediaType": "x", "digest": "sha256:other", "size": 1, "annotations": {"a": "b"}}
    manifest = sbom_manifest(SBOM, IMAGE)
    index = listed(json.dumps({"manifests": [other]}).encode(), manifest)
    assert index is not None
    assert [each["digest"] for each in json.loads(index.content)["manifests"]] == ["sha256:other", manifest.digest]
    assert json.loads(index.content)["manifests"][0] == other


def test_what_is_listed_is_not_listed_again() -> None:
    manifest = sbom_manifest(SBOM, IMAGE)
    index = listed(None, manifest)
    assert index is not None
    assert listed(index.content, manifest) is None
