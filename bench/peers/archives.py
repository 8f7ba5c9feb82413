"""What an archive holds that Docker, or this project, has written: sizes, files, and whether two are the same."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.oci.compression import COMPRESS
from pystatic_tasks.steps.smoke.contract import SHELLS

GZIP = b"\x1f\x8b"
SAME_IMAGE, SAME_FILES, DIFFERENT = "yes", "files only", "no"
# What there is to say of a file beside its content, and its digest or where a link leads.
Listing = Mapping[str, tuple[bytes, int, str]]


def layers(archive: Path) -> list[bytes]:
    """The tars of an image, from the lowest to the highest."""
    with tarfile.open(archive) as file:
        [image] = json.loads(read(file, "manifest.json"))
        return [plain(read(file, name)) for name in image["Layers"]]


def read(file: tarfile.TarFile, name: str) -> bytes:
    found = file.extractfile(name)
    assert found is not None
    return found.read()


def plain(layer: bytes) -> bytes:
    return gzip.decompress(layer) if layer.startswith(GZIP) else layer


def on_disk(tars: Sequence[bytes]) -> int:
    """Bytes of all files, layer by layer, as engines count them."""
    return sum(member.size for tar in tars for member in members(tar) if member.isreg())


def members(tar: bytes) -> Iterator[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as file:
        yield from file


def on_the_wire(tars: Sequence[bytes], method: str, known: Path) -> int:
    """Bytes of all layers, each compressed; what is known of one is not found out again.

    Args:
        tars: The layers.
        method: "gzip" or "zstd".
        known: A file for what is known; several images have the same lowest layer.
    """
    sizes: dict[str, int] = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
    names = [f"{method} {hashlib.sha256(tar).hexdigest()}" for tar in tars]
    for name, tar in zip(names, tars, strict=True):
        if name not in sizes:
            sizes[name] = len(COMPRESS["gzip" if method == "gzip" else "zstd"](tar))
    known.write_text(json.dumps(sizes, indent=0), encoding="utf-8")
    return sum(sizes[name] for name in names)


def listing(tars: Sequence[bytes]) -> Listing:
    """All that the image holds, by its path: the kind, the mode, and the digest or target; nothing of times."""
    found: dict[str, tuple[bytes, int, str]] = {}
    for tar in tars:
        with tarfile.open(fileobj=io.BytesIO(tar)) as file:
            for member in file:
                content = read(file, member.name) if member.isreg() else b""
                shown = hashlib.sha256(content).hexdigest() if member.isreg() else member.linkname
                found[member.name.removeprefix("./")] = (member.type, member.mode, shown)
    return found


@dataclass(frozen=True, kw_only=True)
class Digests:
    """By what an image is known again.

    Attributes:
        layers: Of its layers, byte for byte.
        files: Of what is in its files, whatever their times.
    """

    layers: str
    files: str


def digests(tars: Sequence[bytes]) -> Digests:
    layers = [hashlib.sha256(tar).hexdigest() for tar in tars]
    return Digests(layers=digest(layers), files=digest(sorted(listing(tars).items())))


def digest(content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()


def sameness(first: Digests, second: Digests) -> str:
    """How much two builds are the same: the layers byte for byte, or what is in the files, or not even that."""
    if first.layers == second.layers:
        return SAME_IMAGE
    return SAME_FILES if first.files == second.files else DIFFERENT


def shells(tars: Sequence[bytes]) -> list[str]:
    """The shells in it, by their paths."""
    names = {member.name.removeprefix("./") for tar in tars for member in members(tar) if not member.isdir()}
    return sorted(name for name in names if Path(name).name in SHELLS and Path(name).parent.name in ("bin", "sbin"))
