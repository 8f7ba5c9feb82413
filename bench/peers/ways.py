"""All ways to an image, theirs and ours, as one kind of thing: built from nothing, and after a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bench.build import run
from bench.peers import images, ours
from bench.peers.archives import digests, layers, on_disk, on_the_wire, sameness, shells
from bench.peers.figures import Row
from bench.peers.images import Workshop, change_a_line
from bench.peers.ours import Form
from bench.peers.peer import Peer, Project


class Way(Protocol):
    """One way to an image of a project."""

    @property
    def name(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def base(self) -> str: ...
    @property
    def is_ours(self) -> bool: ...
    @property
    def image(self) -> str:
        """Its name in Docker."""

    @property
    def source(self) -> Path:
        """A module of the project."""

    @property
    def left_out(self) -> Sequence[str]:
        """Steps of building that are not taken."""

    def lay_out(self, address: str) -> None:
        """Put the project where it is built, as if nothing had been."""

    def build(self, address: str, *, is_fresh: bool) -> float:
        """Build all of it, or what has changed; the seconds that it took. BenchError if it fails."""

    def archive(self) -> Path:
        """The image as a file, which Docker has too from then on."""


@dataclass(frozen=True, kw_only=True)
class Theirs:
    """A peer's image of a project."""

    shop: Workshop
    one: Project
    peer: Peer
    is_ours: bool = False

    @property
    def name(self) -> str:
        return self.peer.name

    @property
    def key(self) -> str:
        return self.peer.key

    @property
    def base(self) -> str:
        return self.peer.base

    @property
    def image(self) -> str:
        return images.image_of(self.key, self.one)

    @property
    def left_out(self) -> Sequence[str]:
        return [*self.one.left_out, *self.peer.left_out.get(self.one.name, ())]

    @property
    def source(self) -> Path:
        return self.shop.context(self.one) / self.one.source

    def lay_out(self, address: str) -> None:
        images.lay_out(self.shop, self.one)

    def build(self, address: str, *, is_fresh: bool) -> float:
        return images.build(self.shop, self.peer, self.one, address, *(["--no-cache"] if is_fresh else []))

    def archive(self) -> Path:
        path = self.shop.folder / self.one.name / f"{self.key}.tar"
        images.save(self.image, path)
        return path


@dataclass(frozen=True, kw_only=True)
class Ours:
    """One of our images of a project."""

    shop: Workshop
    one: Project
    form: Form
    is_ours: bool = True

    @property
    def name(self) -> str:
        return self.form.name

    @property
    def key(self) -> str:
        return self.form.key

    @property
    def base(self) -> str:
        return "scratch"

    @property
    def image(self) -> str:
        return images.image_of(self.key, self.one)

    @property
    def left_out(self) -> Sequence[str]:
        return self.one.left_out

    @property
    def source(self) -> Path:
        return ours.source_of(self.shop, self.one)

    def lay_out(self, address: str) -> None:
        ours.lay_out(self.shop, self.one)
        if self.form.is_slim:
            ours.make_slim(self.shop, self.one, self.form, address)

    def build(self, address: str, *, is_fresh: bool) -> float:
        return ours.build(self.shop, self.one, self.form, address, *(["--no-cache"] if is_fresh else []))

    def archive(self) -> Path:
        path = ours.archive_of(self.shop, self.one, self.form)
        run(["docker", "load", "--input", path], path.parent)
        return path


def every_way(shop: Workshop, one: Project) -> list[Way]:
    """Theirs, then ours."""
    theirs = [Theirs(shop=shop, one=one, peer=peer) for peer in shop.peers.peers]
    return [*theirs, *(Ours(shop=shop, one=one, form=form) for form in ours.FORMS)]


def all_ways(shop: Workshop, one: Project) -> list[Way]:
    """Those that are tried with the project."""
    return [way for way in every_way(shop, one) if "build" not in way.left_out]


def build_first(way: Way, row: Row, address: str, known: Path) -> Row:
    """Build it from nothing, and look at what came out.

    Args:
        way: Which.
        row: What is known of it.
        address: Where the wheels are.
        known: File for the compressed sizes of layers.

    Raises:
        BenchError: it cannot be built.
    """
    way.lay_out(address)
    seconds = way.build(address, is_fresh=True)
    tars = layers(way.archive())
    return replace(
        row,
        on_disk=on_disk(tars),
        build_seconds=round(seconds, 1),
        digests=digests(tars),
        has_shell=bool(shells(tars)),
    )


def compress(way: Way, row: Row, address: str, known: Path) -> Row:
    """See how large it is on the wire."""
    tars = layers(way.archive())
    return replace(row, gzip=on_the_wire(tars, "gzip", known), zstd=on_the_wire(tars, "zstd", known))


def build_twice(way: Way, row: Row, address: str, known: Path) -> Row:
    """Build it from nothing once more, and compare."""
    way.lay_out(address)
    way.build(address, is_fresh=True)
    assert row.digests is not None
    return replace(row, same=sameness(row.digests, digests(layers(way.archive()))))


def build_changed(way: Way, row: Row, address: str, known: Path) -> Row:
    """Build it again with one line more."""
    change_a_line(way.source)
    seconds = way.build(address, is_fresh=False)
    way.archive()
    return replace(row, change_seconds=round(seconds, 1))


# By what a step is called on the command line, with the field that it fills.
BUILDS: Mapping[str, tuple[str, Callable[[Way, Row, str, Path], Row]]] = {
    "build": ("on_disk", build_first),
    "wire": ("zstd", compress),
    "twice": ("same", build_twice),
    "change": ("change_seconds", build_changed),
}
