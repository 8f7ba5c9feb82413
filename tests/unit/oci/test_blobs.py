from __future__ import annotations

from pystatic_tasks.oci.blobs import Blob, blob_path

SHA256_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_blob_is_described_by_its_kind_its_digest_and_its_size() -> None:
    blob = Blob(media_type="text/plain", content=b"")
    assert blob.descriptor == {"mediaType": "text/plain", "digest": f"sha256:{SHA256_OF_NOTHING}", "size": 0}
    assert blob_path(blob.digest) == f"blobs/sha256/{SHA256_OF_NOTHING}"


def test_what_is_in_a_blob_is_not_shown_with_it() -> None:
    assert repr(Blob(media_type="text/plain", content=b"much")) == "Blob(media_type='text/plain')"
