"""Sizes from the frozen program to the image, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.oci.description import ImageDescription
from pystatic_tasks.system.units import megabytes


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table, with sizes in bytes; None if there is none."""

    name: str
    size_bytes: int | None
    compressed_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The sizes of an image.

    Attributes:
        frozen_bytes: Size of the frozen program.
        executable_bytes: Size of the static executable; None in the tree layout.
        built: The image.
    """

    frozen_bytes: int
    executable_bytes: int | None
    built: ImageDescription


def rows(config: ImageConfig, sizes: Sizes) -> Iterator[Row]:
    yield Row(name="frozen contents", size_bytes=sizes.frozen_bytes)
    if sizes.executable_bytes is not None:
        yield Row(name="static executable", size_bytes=sizes.executable_bytes)
    layers = sizes.built.layers
    for layer in layers if len(layers) > 1 else []:
        yield Row(name=f"layer {layer.kind}", size_bytes=layer.size_bytes, compressed_bytes=layer.compressed_bytes)
    yield Row(name="image", size_bytes=sizes.built.size_bytes, compressed_bytes=sizes.built.compressed_bytes)
    if config.max_size or config.max_compressed_size:
        yield Row(name="budget", size_bytes=config.max_size, compressed_bytes=config.max_compressed_size)


def as_table(config: ImageConfig, sizes: Sizes) -> list[str]:
    """The table as lines for a terminal."""
    head = f"  {'':<18}{'on disk':>10}  {'on the wire':>11}"
    lines = [
        f"  {row.name:<18}{size(row.size_bytes):>10}  {size(row.compressed_bytes):>11}" for row in rows(config, sizes)
    ]
    return [head, *(line.rstrip() for line in lines)]


def as_markdown(config: ImageConfig, sizes: Sizes) -> str:
    """The table in Markdown, under a heading."""
    head = [
        f"### {config.references[0]}",
        "",
        f"`{sizes.built.digest}`",
        "",
        "| | on disk | on the wire |",
        "|---|--:|--:|",
    ]
    lines = [f"| {row.name} | {size(row.size_bytes)} | {size(row.compressed_bytes)} |" for row in rows(config, sizes)]
    return "\n".join([*head, *lines]) + "\n"


def size(size_bytes: int | None) -> str:
    return "" if size_bytes is None else megabytes(size_bytes)
