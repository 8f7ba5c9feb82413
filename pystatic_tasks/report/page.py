"""The page of an image as data: everything that it shows, in the order of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pystatic_tasks.bom.components import KINDS
from pystatic_tasks.report.contents import Contents, Growth, growth
from pystatic_tasks.report.largest import Large, largest, required_by
from pystatic_tasks.report.reasons import Reasons, module_name
from pystatic_tasks.report.records import Proof, Records
from pystatic_tasks.report.start import Import, Phase, Start, all_in, phases
from pystatic_tasks.report.suggestions import Suggestion, suggest
from pystatic_tasks.report.tree import tree

SLOWEST = 10
# Imports with a smaller share of the time would be too narrow to see.
LEAST_SHARE = 0.001


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A size on the way to the image, in bytes, with its budget and its value in the previous image, or None."""

    name: str
    size_bytes: int
    budget: int | None = None
    before: int | None = None

    @property
    def over(self) -> bool:
        return self.budget is not None and self.size_bytes > self.budget


@dataclass(frozen=True, kw_only=True)
class Row:
    """One component in the bill of materials."""

    name: str
    version: str
    kind: str
    license: str
    purl: str
    size_bytes: int
    of_image: int | None
    files: int
    required_by: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    """Everything that the page of an image shows.

    Attributes:
        facts: The image in a few words.
        largest: Its largest components.
        suggestions: How to make it smaller.
        not_observed: Why its use was not observed completely; "" if it was.
        ladder: Sizes on the way to it.
        growth: Changes since the previous image; None if there is none.
        proof: The results of smoke; None if there are none for this image.
        start: The time that a start takes; None if it was not measured.
        phases: The measured parts of this time.
        slowest: The modules whose own code takes longest to import.
        rows: The bill of materials.
        is_estimated: Whether the components' sizes in the compressed image are estimated.
        data: The data for the page's script.
    """

    name: str
    title: str
    digest: str
    layout: str
    size_bytes: int
    compressed_bytes: int
    unpacked_bytes: int
    facts: tuple[str, ...]
    largest: tuple[Large, ...]
    suggestions: tuple[Suggestion, ...]
    not_observed: str
    ladder: tuple[Rung, ...]
    growth: tuple[Growth, ...] | None
    proof: Proof | None
    start: Start | None
    phases: tuple[Phase, ...]
    slowest: tuple[Import, ...]
    rows: tuple[Row, ...]
    is_estimated: bool
    data: dict[str, Any]


def make_page(records: Records) -> Page:
    """Collect everything that the page of an image shows."""
    built, contents = records.built, records.contents
    reasons = Reasons(records.evidence)
    suggestions = suggest(records, reasons)
    rows = tuple(bill(records))
    imports = records.start.imports if records.start else ()
    return Page(
        name=built.name,
        title=built.tags[0],
        digest=built.digest,
        layout=built.layout,
        size_bytes=built.size_bytes,
        compressed_bytes=built.compressed_bytes,
        unpacked_bytes=contents.unpacked_bytes,
        facts=(
            f"Image for {built.platform}",
            f"Python {built.python}",
            "one file" if built.layout == "onefile" else "tree",
            built.compression,
        ),
        largest=tuple(largest(records, reasons, suggestions)),
        suggestions=tuple(suggestions),
        not_observed=records.not_observed or ("" if records.evidence.uses else "it was frozen with --no-observe"),
        ladder=tuple(ladder(records)),
        growth=tuple(growth(records.before, contents)) if records.before else None,
        proof=records.proof,
        start=records.start,
        phases=tuple(phases_of(records)),
        slowest=slowest(records.start),
        rows=rows,
        is_estimated=bool(contents.scale),
        data={
            **tree(contents, reasons),
            "total": contents.unpacked_bytes,
            "ofImage": contents.compressed_bytes if contents.scale else 0,
            "components": [
                [
                    row.name,
                    row.version,
                    row.kind,
                    row.license,
                    row.purl,
                    row.size_bytes,
                    row.of_image or 0,
                    row.required_by,
                ]
                for row in rows
            ],
            "imports": shorter(imports, sum(each.ms for each in imports) * LEAST_SHARE),
        },
    )


def ladder(records: Records) -> Iterator[Rung]:
    """Sizes from the frozen program to the compressed image."""
    now, before, config = records.contents, records.before, records.config

    def rung(name: str, read: Any, budget: int | None = None) -> Rung:
        return Rung(name=name, size_bytes=read(now), budget=budget, before=read(before) if before else None)

    yield rung("frozen contents", lambda each: each.frozen_bytes)
    if now.executable_bytes is not None:
        yield rung("static executable", lambda each: each.executable_bytes)
    layers = records.built.layers
    for layer in layers if len(layers) > 1 else ():
        yield Rung(name=f"layer {layer.kind}", size_bytes=layer.size_bytes)
    yield rung("image on disk", lambda each: each.size_bytes, config.max_size)
    yield rung("image on the wire", lambda each: each.compressed_bytes, config.max_compressed_size)


def bill(records: Records) -> Iterator[Row]:
    """The components, in the order of the contents."""
    required = required_by(records.components)
    for each in records.contents.components:
        yield Row(
            name=each.name,
            version=each.version,
            kind=KINDS[each.kind][0],
            license=each.license,
            purl=each.purl,
            size_bytes=each.size_bytes,
            of_image=records.contents.of_image(each),
            files=len(each.files),
            required_by=required.get(each.name, ()),
        )


def phases_of(records: Records) -> Iterator[Phase]:
    """The measured parts of the start."""
    layers = {
        module: file.layer
        for each in records.contents.components
        for file in each.files
        if (module := module_name(file.path))
    }
    if records.start:
        yield from phases(records.start, lambda name: layers.get(name, ""))


def slowest(start: Start | None) -> tuple[Import, ...]:
    """The modules whose own code takes longest, slowest first."""
    found = all_in(start.imports if start else ())
    return tuple(sorted(found, key=lambda each: (-each.own_ms, each.name))[:SLOWEST])


def shorter(imports: Sequence[Import], least_ms: float) -> list[list[Any]]:
    """Imports for the script: [name, own, all, inside], in milliseconds, without those below the limit."""
    return [
        [each.name, round(each.own_ms, 2), round(each.ms, 2), shorter(each.inside, least_ms)]
        for each in imports
        if each.ms >= least_ms
    ]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One image in the index of several."""

    name: str
    layout: str
    size_bytes: int
    compressed_bytes: int
    before: int | None
    largest: str
    has_page: bool


def listed_image(contents: Contents, before: Contents | None, *, has_page: bool) -> Listed:
    ordered = sorted(contents.components, key=lambda each: (-each.size_bytes, each.name))
    return Listed(
        name=contents.name,
        layout="one file" if contents.layout == "onefile" else contents.layout,
        size_bytes=contents.size_bytes,
        compressed_bytes=contents.compressed_bytes,
        before=before.compressed_bytes if before else None,
        largest=", ".join(each.name for each in ordered[:3]),
        has_page=has_page,
    )
