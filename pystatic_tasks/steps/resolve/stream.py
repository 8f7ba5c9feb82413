"""The documents of a source, and what is put where they name images; everything else stays as it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pystatic_tasks.steps.resolve.files import Source

SCHEME = "pystatic://"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a text names an image.

    Attributes:
        name: The image's.
        start: Index of the first character of what is to be replaced.
        end: Index of the first character after it.
        line: Number of its line, from 1.
    """

    name: str
    start: int
    end: int
    line: int


@dataclass(frozen=True, kw_only=True)
class NearMiss:
    """A value that is nearly the name of an image, and stays as it is.

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
        source: Where they stand.
        places: Where they name images, in order.
        near: What does so nearly.
        separator: What goes before them after other documents; None if there are none.
    """

    source: Source
    places: Sequence[Place]
    near: Sequence[NearMiss]
    separator: str | None


def join(streams: Sequence[Stream], references: Mapping[str, str]) -> str:
    """All documents in one text, with references instead of names."""
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
    """The pieces of a text that are not empty."""
    text = stream.source.text
    position = 0
    for place in stream.places:
        yield text[position : place.start]
        yield references[place.name]
        position = place.end
    if position < len(text):
        yield text[position:]
