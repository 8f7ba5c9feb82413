"""Compares two archives of one image, and finds the first difference inside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pystatic_tasks.oci.reading.images import read_archive, read_saved
from pystatic_tasks.oci.reading.layers import SavedLayer, members_of
from pystatic_tasks.oci.tar_reader import Member
from pystatic_tasks.system.files import PIECE, hash_file, open_regular

NOTHING = "not there"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first difference between two builds.

    Attributes:
        where: Its place, in words, such as "/shop in the layer program".
        first: What is there in the first build.
        second: What is there in the second build.
    """

    where: str
    first: str
    second: str

    @property
    def lines(self) -> tuple[str, str]:
        """The lines to show below its place."""
        return f"first   {self.first}", f"second  {self.second}"


def first_difference(first: Path, second: Path) -> Difference | None:
    """The first difference between two files `image.tar`: in a layer, in the image's configuration, or elsewhere.

    None if they are the same, byte for byte.
    """
    if hash_file(first) == hash_file(second):
        return None
    ours, theirs = read_saved(first), read_saved(second)
    for kind, our_layer, their_layer in zip(ours.kinds, ours.layers, theirs.layers, strict=False):
        found = differing_layer(kind, our_layer, their_layer)
        if found:
            return found
    return (
        differing_key("the image's configuration", ours.config, theirs.config)
        or differing_key("the image's manifest", manifest(first), manifest(second))
        or differing_key("its names", ours.references, theirs.references)
        or Difference(where="image.tar", first=measured(pieces(first)), second=measured(pieces(second)))
    )


def pieces(path: Path) -> Iterator[bytes]:
    with open_regular(path) as file:
        while piece := file.read(PIECE):
            yield piece


def manifest(path: Path) -> Any:
    return json.loads(read_archive(path).manifest.content)


def differing_layer(kind: str, first: SavedLayer, second: SavedLayer) -> Difference | None:
    """The first difference between two layers."""
    if first.digest == second.digest:
        return None
    if first.diff_id == second.diff_id:
        where = f"the compression of the layer {kind}"
        return Difference(where=where, first=compressed(first), second=compressed(second))
    ours, theirs = contents(first), contents(second)
    for path in sorted({*ours, *theirs}):
        if ours.get(path) != theirs.get(path):
            where = f"/{path} in the layer {kind}"
            return Difference(where=where, first=ours.get(path, NOTHING), second=theirs.get(path, NOTHING))
    where = f"the order of the layer {kind}"
    return Difference(where=where, first=measured(first.tar()), second=measured(second.tar()))


def compressed(layer: SavedLayer) -> str:
    return f"{layer.size} bytes, {layer.digest}"


def contents(layer: SavedLayer) -> dict[str, str]:
    """One line about each entry of a layer, by name."""
    return {member.name: told(member) for member in members_of(layer)}


def told(member: Member) -> str:
    what = measured(member.content) if member.kind == "file" else "folder"
    if member.kind == "link":
        what = f"link to {member.link}"
    return f"{what}, mode {member.mode:04o}, owner {member.owner[0]}:{member.owner[1]}, time {member.modified}"


def measured(content: Iterable[bytes]) -> str:
    found, size = hashlib.sha256(), 0
    for piece in content:
        found.update(piece)
        size += len(piece)
    return f"{size} bytes, sha256:{found.hexdigest()}"


def differing_key(what: str, first: Any, second: Any, path: str = "") -> Difference | None:
    """The first difference between two JSON values, by key or index."""
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
