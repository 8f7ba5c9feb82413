"""Parses the JSON of an image, and rejects what an engine might read differently."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pystatic_tasks.config.unwieldy import inside, is_nested_deeper, is_unicode
from pystatic_tasks.oci.manifest import INDEX_TYPE, MANIFEST_TYPE

LONGEST_NUMBER = 20
# Objects with arbitrary keys, in lower case.
ANY_KEYS = ("labels", "annotations", "volumes", "exposedports")
# Optional keys. Go ignores their case.
OPTIONAL = ("annotations", "Entrypoint", "Labels", "LayerSources", "mediaType", "variant")
MAY_BE_THERE = {each.casefold(): each for each in OPTIONAL}
# With any other key, readers may take them for something else: https://github.com/advisories/GHSA-77vh-xpmg-72qh
KEYS = {
    INDEX_TYPE: frozenset(("schemaVersion", "mediaType", "manifests", "annotations")),
    MANIFEST_TYPE: frozenset(("schemaVersion", "mediaType", "config", "layers", "annotations")),
}


def parse(content: bytes) -> Any:
    """Parse JSON; raises ValueError if it is not valid, or if engines may read it differently."""
    found = json.loads(
        content.decode(),
        parse_int=whole_number,
        parse_float=no_number,
        parse_constant=no_number,
        object_pairs_hook=each_once,
    )
    if is_nested_deeper(found):
        raise ValueError("has more levels than that of any image")
    check_keys(found)
    if not all(is_unicode(each) for each in inside(found) if isinstance(each, str)):
        raise ValueError("has a string that is not valid Unicode")
    return found


def each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; raises ValueError if it has a key twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("has a key twice")
    return found


def check_keys(content: Any, *, any_keys: bool = False) -> None:
    """Raise ValueError if engines, which are written in Go, would read other keys: Go ignores their case."""
    if isinstance(content, dict):
        folded = {key.casefold(): key for key in content}
        if not any_keys and len(folded) < len(content):
            raise ValueError("has a key twice")
        if not any_keys and any(folded.get(key, name) != name for key, name in MAY_BE_THERE.items()):
            raise ValueError("has a key in other capitals")
        for key, each in content.items():
            check_keys(each, any_keys=key.casefold() in ANY_KEYS)
    elif isinstance(content, list):
        for each in content:
            check_keys(each)


def check_kind(content: Mapping[str, Any], media_type: str) -> None:
    """Raise ValueError if readers may take it for something else than that media type."""
    is_this = content["schemaVersion"] == 2 and content.get("mediaType", media_type) == media_type
    if not is_this or not content.keys() <= KEYS[media_type]:
        raise ValueError("may be something else")


def no_number(name: str) -> float:
    """Raise ValueError, since images contain only whole numbers."""
    raise ValueError(f"has {name} as a number")


def whole_number(digits: str) -> int:
    """A whole number in JSON; raises ValueError if it is absurdly large."""
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("is too long for a number")
    return int(digits)
