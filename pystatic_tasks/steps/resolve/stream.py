"""The documents of a source, with references in place of images' names; everything else stays unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pystatic_tasks.steps.resolve.files import Source

SCHEME = "pystatic://"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a text names an image.

    Attributes:
        name: The image's name.
        start: Index of the first character to replace.
        end: Index of the first character after it.
        line: Number of its line, from 1.
    """

    name: str
    start: int
    end: int
    line: int


@dataclass(frozen=True, kw_only=True)
class NearMiss:
    """A value that is nearly the name of an image, and is not changed.

    Attributes:
        value: The value.
        line: Number of its line, from 1.
    """

    value: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Stream:
    """The documents of a source.

    Attributes:
        source: The source.
        places: Where they name images, in order.
        near: Values that are nearly names.
        separator: The text before them if other documents precede; None if there are no documents.
    """

    source: Source
    places: Sequence[Place]
    near: Sequence[NearMiss]
    separator: str | None


def join(streams: Sequence[Stream], references: Mapping[str, str]) -> str:
    """All documents as one text, with references instead of names."""
    parts: list[str] = []
    has_documents = False
    for stream in streams:
        if parts and not parts[-1].endswith("\n"):
            parts.append("\n")
        if has_documents and stream.separator:
            parts.append(stream.separator)
        parts += replaced(stream, references)
        has_documents |= stream.separator is not None
    return "".join(parts)


def replaced(stream: Stream, references: Mapping[str, str]) -> Iterator[str]:
    """The pieces of the resulting text; no piece at its end is empty."""
    text = stream.source.text
    position = 0
    for place in stream.places:
        yield text[position : place.start]
        yield references[place.name]
        position = place.end
    if position < len(text):
        yield text[position:]
