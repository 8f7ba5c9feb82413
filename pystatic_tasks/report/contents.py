"""What lies in an image, by component and file: `contents.json`, from which the page and the next image are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pystatic_tasks.bom.licenses import conclude
from pystatic_tasks.in_env.protocol import Component, ComponentKind
from pystatic_tasks.oci.description import ImageDescription

# Of contents.json; described by schemas/contents.schema.json.
CONTENTS_VERSION = 1
# Layers, in this order, by what people call them; files that are in none of a tree are the last.
LAYERS: Mapping[str, str] = {
    "project": "the project",
    "third-party": "dependencies",
    "python": "Python",
    "libc": "the C library",
    "image": "added by the image",
}
# Where the form of a program does not say to which layer a file would belong.
LAYER_OF_KIND: Mapping[ComponentKind, str] = {
    "project": "project",
    "distribution": "third-party",
    "bundled": "third-party",
    "interpreter": "python",
    "system": "python",
    "file": "python",
}


@dataclass(frozen=True, kw_only=True)
class FileContents:
    """One file: where it is, as `Component.files` has it, its layer, and its size before compression."""

    path: str
    layer: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class ComponentContents:
    """One component.

    Attributes:
        license: An SPDX expression, or "".
        size_bytes: Sum of its files, before compression.
        compressed_bytes: What they take when they are compressed without those of others; None if nobody estimated it.
        files: Its files, sorted by path; none of what is built into others.
    """

    name: str
    version: str
    kind: ComponentKind
    purl: str
    license: str
    size_bytes: int
    compressed_bytes: int | None
    files: tuple[FileContents, ...]

    @property
    def key(self) -> str:
        """What stays the same from version to version."""
        return self.purl.partition("@")[0]


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What `contents.json` says; `schemas/contents.schema.json` says what each field means."""

    version: int
    name: str
    digest: str
    layout: str
    size_bytes: int
    compressed_bytes: int
    frozen_bytes: int
    executable_bytes: int | None
    components: tuple[ComponentContents, ...]

    @property
    def unpacked_bytes(self) -> int:
        """Sum of all files, before they are packed or compressed."""
        return sum(each.size_bytes for each in self.components)

    @property
    def scale(self) -> float:
        """What one byte of an estimate is in the image, whose parts are compressed together."""
        alone = sum(each.compressed_bytes or 0 for each in self.components)
        return self.compressed_bytes / alone if alone else 0.0

    def of_image(self, component: ComponentContents) -> int | None:
        """What a component takes of the compressed image, estimated; None if nobody can."""
        return round((component.compressed_bytes or 0) * self.scale) if self.scale else None


def list_contents(
    built: ImageDescription,
    components: Iterable[Component],
    sizes: Mapping[str, tuple[int, str]],
    compressed: Mapping[tuple[str, ...], int],
    *,
    frozen_bytes: int,
    executable_bytes: int | None,
) -> Contents:
    """What lies in an image.

    Args:
        built: The image.
        components: Its components.
        sizes: For each file that `Component.files` may name its size in bytes and its layer, which may be "".
        compressed: Bytes of each component when it is compressed alone, by its identity; empty if unknown.
        frozen_bytes: Size of the frozen program.
        executable_bytes: Size of the static executable; None without one.
    """
    # Needs a library that is loaded only where something is written.
    from pystatic_tasks.bom.names import package_url

    def describe(component: Component) -> ComponentContents:
        known = [(path, *sizes[path]) for path in sorted(component.files) if path in sizes]
        files = tuple(
            FileContents(path=path, layer=layer or LAYER_OF_KIND[component.kind], size_bytes=size)
            for path, size, layer in known
        )
        return ComponentContents(
            name=component.name,
            version=component.version,
            kind=component.kind,
            purl=str(package_url(component)),
            license=conclude(component).expression,
            size_bytes=sum(each.size_bytes for each in files),
            compressed_bytes=compressed.get(component.identity, 0) if compressed else None,
            files=files,
        )

    return Contents(
        version=CONTENTS_VERSION,
        name=built.name,
        digest=built.digest,
        layout=built.layout,
        size_bytes=built.size_bytes,
        compressed_bytes=built.compressed_bytes,
        frozen_bytes=frozen_bytes,
        executable_bytes=executable_bytes,
        components=tuple(map(describe, components)),
    )


def differ(one: Contents, other: Contents) -> bool:
    """Whether two images hold other files, or the same in another form; times and labels do not count."""
    return (one.layout, one.components) != (other.layout, other.components)


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What became of one component from one image to the next.

    Attributes:
        before: Its size in bytes in the image before; None where it was not there.
        after: In this one; None where it is not there any more.
    """

    name: str
    version_before: str
    version: str
    before: int | None
    after: int | None

    @property
    def grown_bytes(self) -> int:
        return (self.after or 0) - (self.before or 0)


def growth(before: Contents, now: Contents) -> list[Growth]:
    """What grew, shrank, came or went, the largest change first; what stayed as it was is left out."""
    old, new = by_key(before.components), by_key(now.components)
    found = [
        Growth(
            name=(new.get(key) or old[key]).name,
            version_before=old[key].version if key in old else "",
            version=new[key].version if key in new else "",
            before=old[key].size_bytes if key in old else None,
            after=new[key].size_bytes if key in new else None,
        )
        for key in sorted({*old, *new})
    ]
    changed = [each for each in found if each.before != each.after or each.version_before != each.version]
    return sorted(changed, key=lambda each: (-abs(each.grown_bytes), each.name))


def by_key(components: Sequence[ComponentContents]) -> Mapping[str, ComponentContents]:
    """The components by what stays the same; one of several versions of one is the last."""
    return {each.key: each for each in components}
