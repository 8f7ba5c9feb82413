"""Two archives of one image: whether they are the same, and if not, what differs first inside them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pystatic_tasks.oci.blobs import digest
from pystatic_tasks.oci.read_archive import read_archive, read_member, read_saved
from pystatic_tasks.system.files import hash_file

NOTHING = "not there"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Where two builds part.

    Attributes:
        where: The first place, in words, such as "/shop in the layer program".
        first: What stands there in the first build.
        second: What stands there in the second.
    """

    where: str
    first: str
    second: str

    @property
    def lines(self) -> tuple[str, str]:
        """What to show of it below its place."""
        return f"first   {self.first}", f"second  {self.second}"


def first_difference(first: Path, second: Path) -> Difference | None:
    """What differs first between two files `image.tar`: in a layer, in the image's configuration, or elsewhere.

    None if they are the same, byte for byte.
    """
    if hash_file(first) == hash_file(second):
        return None
    ours, theirs = read_saved(first), read_saved(second)
    kinds = [kind_of(entry) for entry in ours.config["history"]]
    for kind, our_layer, their_layer in zip(kinds, ours.layers, theirs.layers, strict=False):
        found = differing_layer(kind, our_layer, their_layer)
        if found:
            return found
    return (
        differing_key("the image's configuration", ours.config, theirs.config)
        or differing_key("the image's manifest", manifest(first), manifest(second))
        or differing_key("its names", ours.references, theirs.references)
        or Difference(where="image.tar", first=measured(first.read_bytes()), second=measured(second.read_bytes()))
    )


def kind_of(entry: Mapping[str, str]) -> str:
    """The kind of a layer, by what made it."""
    return entry["created_by"].rpartition(" ")[2]


def manifest(path: Path) -> Any:
    return json.loads(read_archive(path).manifest.content)


def differing_layer(kind: str, first: bytes, second: bytes) -> Difference | None:
    """What differs first between two compressed layers."""
    if first == second:
        return None
    tars = [gzip.decompress(blob) for blob in (first, second)]
    if tars[0] == tars[1]:
        return Difference(where=f"the compression of the layer {kind}", first=measured(first), second=measured(second))
    ours, theirs = map(members, tars)
    for path in sorted({*ours, *theirs}):
        if ours.get(path) != theirs.get(path):
            where = f"/{path} in the layer {kind}"
            return Difference(where=where, first=ours.get(path, NOTHING), second=theirs.get(path, NOTHING))
    return Difference(where=f"the order of the layer {kind}", first=measured(tars[0]), second=measured(tars[1]))


def members(content: bytes) -> dict[str, str]:
    """What a tar says of each of its entries, in one line, by name."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: told(tar, member) for member in tar}


def told(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    what = f"link to {member.linkname}" if member.issym() else "folder"
    if member.isfile():
        what = measured(read_member(tar, member.name))
    return f"{what}, mode {member.mode:04o}, owner {member.uid}:{member.gid}, time {member.mtime:.0f}"


def measured(content: bytes) -> str:
    return f"{len(content)} bytes, {digest(content)}"


def differing_key(what: str, first: Any, second: Any, path: str = "") -> Difference | None:
    """The first key, or place in a list, that differs between two things read from JSON."""
    if first == second:
        return None
    places = [dict(enumerate(each)) if isinstance(each, list) else each for each in (first, second)]
    if all(isinstance(each, Mapping) for each in places):
        ours, theirs = places
        for key in sorted({*ours, *theirs}, key=str):
            found = differing_key(what, ours.get(key), theirs.get(key), f"{path}.{key}" if path else str(key))
            if found:
                return found
    return Difference(where=f"{path} in {what}" if path else what, first=shown(first), second=shown(second))


def shown(value: Any) -> str:
    return NOTHING if value is None else json.dumps(value, ensure_ascii=False)
