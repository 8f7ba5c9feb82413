"""The way from the frozen program to the image, as rows of sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pystatic_tasks.config.model import Image
from pystatic_tasks.pipeline import megabytes


@dataclass(frozen=True, kw_only=True)
class Row:
    """Sizes of one thing on the way, in bytes; None where it has none."""

    name: str
    size_bytes: int | None
    compressed_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Way:
    """What the way was.

    Attributes:
        frozen_bytes: Size of what was frozen.
        executable_bytes: Size of the static executable, or None in the tree layout.
        built: What `image.json` says.
    """

    frozen_bytes: int
    executable_bytes: int | None
    built: Mapping[str, Any]


def rows(image: Image, way: Way) -> Iterator[Row]:
    yield Row(name="frozen contents", size_bytes=way.frozen_bytes)
    if way.executable_bytes is not None:
        yield Row(name="static executable", size_bytes=way.executable_bytes)
    layers = way.built["layers"]
    for layer in layers if len(layers) > 1 else []:
        yield Row(
            name=f"layer {layer['kind']}", size_bytes=layer["size_bytes"], compressed_bytes=layer["compressed_bytes"]
        )
    yield Row(name="image", size_bytes=way.built["size_bytes"], compressed_bytes=way.built["compressed_bytes"])
    if image.max_size or image.max_compressed_size:
        yield Row(name="budget", size_bytes=image.max_size, compressed_bytes=image.max_compressed_size)


def as_table(image: Image, way: Way) -> list[str]:
    """Lines of a table for a terminal."""
    head = f"  {'':<18}{'on disk':>10}  {'on the wire':>11}"
    lines = [
        f"  {row.name:<18}{size(row.size_bytes):>10}  {size(row.compressed_bytes):>11}" for row in rows(image, way)
    ]
    return [head, *(line.rstrip() for line in lines)]


def as_markdown(image: Image, way: Way) -> str:
    """The same as a table of Markdown, under a heading."""
    head = [
        f"### {image.references[0]}",
        "",
        f"`{way.built['digest']}`",
        "",
        "| | on disk | on the wire |",
        "|---|--:|--:|",
    ]
    lines = [f"| {row.name} | {size(row.size_bytes)} | {size(row.compressed_bytes)} |" for row in rows(image, way)]
    return "\n".join([*head, *lines]) + "\n"


def size(size_bytes: int | None) -> str:
    return "" if size_bytes is None else megabytes(size_bytes)
