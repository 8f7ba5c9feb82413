"""Defines blobs: bytes that are identified by their digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Blob:
    """Bytes with a media type, identified by their digest, as in registries."""

    media_type: str
    content: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        return digest(self.content)

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content)}


def digest(content: bytes) -> str:
    """The digest of a blob, in the form of OCI."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def blob_path(digest: str) -> str:
    """The path in an OCI layout of the blob with a digest."""
    return f"blobs/{digest.replace(':', '/')}"
