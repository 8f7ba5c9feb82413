"""Estimates how much of a compressed image each component takes; really they are compressed together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pystatic_tasks.in_env.protocol import Component, Placed
from pystatic_tasks.in_env.records import read
from pystatic_tasks.oci.blobs import digest
from pystatic_tasks.oci.compression import estimated, kept_name
from pystatic_tasks.system.files import read_json, write_whole


def compressed_alone(
    program: Path, components: Iterable[Component], placed: Sequence[Placed], kept: Path
) -> tuple[int, ...]:
    """Bytes that the files of each component take if they are compressed separately.

    Args:
        program: The root folder of the program.
        components: The components, in the order of the result.
        placed: The program's files; for an archive, the result is ().
        kept: File with the sizes from the last time; it is replaced.
    """
    paths = {each.location: Path(f"{program}{each.path}") for each in placed if each.path and each.size_bytes}
    if not paths:
        return ()
    before = read_kept(kept)

    def known_by(component: Component) -> tuple[str, int]:
        content = b"".join(paths[location].read_bytes() for location in component.files if location in paths)
        key = kept_name("gzip", digest(content))
        return key, before[key] if key in before else estimated(content)

    found = [known_by(each) for each in components]
    write_whole(kept, json.dumps(dict(found)))
    return tuple(size for _, size in found)


def read_kept(kept: Path) -> Mapping[str, int]:
    """Sizes by content and method; empty if there is no valid file."""
    try:
        sizes: Mapping[str, int] = read(Mapping[str, int], read_json(kept))
    except (OSError, ValueError):
        return {}
    return sizes
