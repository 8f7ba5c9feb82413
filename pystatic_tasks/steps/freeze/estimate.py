"""How much of a compressed image each component takes: an estimate, since they are compressed together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pystatic_tasks.in_env.protocol import Component, Placed
from pystatic_tasks.oci.compression import estimated


def compressed_alone(program: Path, components: Iterable[Component], placed: Sequence[Placed]) -> tuple[int, ...]:
    """Bytes that the files of each component take when they are compressed without those of others.

    Args:
        program: The root folder of the program.
        components: In this order.
        placed: Its files; () is returned for those of an archive.
    """
    paths = {each.location: Path(f"{program}{each.path}") for each in placed if each.path and each.size_bytes}
    if not paths:
        return ()

    def content(component: Component) -> bytes:
        return b"".join(paths[location].read_bytes() for location in component.files if location in paths)

    return tuple(estimated(content(each)) for each in components)
