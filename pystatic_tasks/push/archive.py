"""Images read from archives that hold an OCI layout; nothing is unpacked, and every digest is checked.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.image.layers import digest
from pystatic_tasks.image.oci import MANIFEST_TYPE

DIGEST = "sha256:[0-9a-f]{64}"


@dataclass(frozen=True, kw_only=True)
class Blob:
    """Bytes with their digest, as registries know them."""

    media_type: str
    content: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        return digest(self.content)

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content)}


@dataclass(frozen=True, kw_only=True)
class ArchivedImage:
    """One image.

    Attributes:
        manifest: Its manifest, as it was written.
        blobs: Its configuration and its layers, each once.
        platform: Such as "linux/amd64" or "linux/arm/v7".
        program: The program that it runs, such as "/shop".
        annotations: Those of its manifest.
    """

    manifest: Blob
    blobs: tuple[Blob, ...]
    platform: str
    program: str
    annotations: Mapping[str, str]


class BrokenArchiveError(Exception):
    """What is wrong with an archive, as the end of a sentence."""


def read_archive(path: Path) -> ArchivedImage:
    """The image in an archive.

    Raises:
        ConfigError: there is none, or not exactly one, or its content is not what its digests say.
    """
    try:
        with tarfile.open(path, mode="r:") as tar:
            return read_image(tar)
    except FileNotFoundError:
        why = "there is no such file"
    except OSError as error:
        why = error.strerror or str(error)
    except tarfile.TarError:
        why = "it is no tar"
    except BrokenArchiveError as error:
        why = str(error)
    except (ValueError, LookupError, TypeError, AttributeError):
        why = "its JSON is not that of an image"
    raise ConfigError(f"{path} is no image archive: {why}.", "Name an image.tar that the session image has written.")


def read_image(tar: tarfile.TarFile) -> ArchivedImage:
    entries = json.loads(read_member(tar, "index.json"))["manifests"]
    if len(entries) != 1 or entries[0]["mediaType"] != MANIFEST_TYPE:
        raise BrokenArchiveError("it does not hold exactly one image")
    manifest = read_blob(tar, entries[0])
    content = json.loads(manifest.content)
    blobs = [read_blob(tar, each) for each in (content["config"], *content["layers"])]
    config = json.loads(blobs[0].content)
    platform = [config["os"], config["architecture"], config.get("variant")]
    return ArchivedImage(
        manifest=manifest,
        blobs=tuple({blob.digest: blob for blob in blobs}.values()),
        platform="/".join(filter(None, platform)),
        program=" ".join((config.get("config") or {}).get("Entrypoint") or []),
        annotations=content.get("annotations") or {},
    )


def read_blob(tar: tarfile.TarFile, descriptor: Mapping[str, Any]) -> Blob:
    expected = descriptor["digest"]
    if not re.fullmatch(DIGEST, expected):
        raise BrokenArchiveError("it has a digest that is no SHA-256")
    blob = Blob(media_type=descriptor["mediaType"], content=read_member(tar, f"blobs/{expected.replace(':', '/')}"))
    if blob.digest != expected or len(blob.content) != descriptor["size"]:
        raise BrokenArchiveError(f"the content of {expected} is another")
    return blob


def read_member(tar: tarfile.TarFile, name: str) -> bytes:
    try:
        member = tar.getmember(name)
    except KeyError:
        raise BrokenArchiveError(f"{name} is not in it") from None
    # Never what a link leads to.
    file = tar.extractfile(member) if member.isreg() else None
    if file is None:
        raise BrokenArchiveError(f"{name} in it is no file")
    return file.read()
