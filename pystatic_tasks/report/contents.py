"""The contents of an image, by component and file: `contents.json`, the source for the page and for comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pystatic_tasks.bom.licenses import conclude
from pystatic_tasks.in_env.protocol import Component, ComponentKind
from pystatic_tasks.oci.description import ImageDescription

# The version of contents.json, which schemas/contents.schema.json describes.
CONTENTS_VERSION = 1
# Layers in this order, with names for people; the last has the files that belong to no layer of a tree.
LAYERS: Mapping[str, str] = {
    "project": "the project",
    "third-party": "dependencies",
    "python": "Python",
    "libc": "the C library",
    "image": "added by the image",
}
# For files whose layer is not recorded.
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
    """One file: its path (as in `Component.files`), its layer, and its size before compression."""

    path: str
    layer: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class ComponentContents:
    """One component.

    Attributes:
        license: An SPDX expression, or "".
        size_bytes: Sum of its files, before compression.
        compressed_bytes: Their size if they are compressed by themselves; None if it was not estimated.
        files: Its files, sorted by path; empty for a component that is built into others.
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
        """The part of its package URL that is the same in all versions."""
        return self.purl.partition("@")[0]


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The content of `contents.json`; `schemas/contents.schema.json` explains each field."""

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
        """The ratio between the compressed image and its components, if each is compressed by itself."""
        alone = sum(each.compressed_bytes or 0 for each in self.components)
        return self.compressed_bytes / alone if alone else 0.0

    def of_image(self, component: ComponentContents) -> int | None:
        """A component's estimated share of the compressed image; None if it cannot be estimated."""
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
    """List the contents of an image.

    Args:
        built: The image.
        components: Its components.
        sizes: For each file that `Component.files` may name: its size in bytes and its layer, or "".
        compressed: Bytes of each component if it is compressed by itself, by its identity; empty if unknown.
        frozen_bytes: Size of the frozen program.
        executable_bytes: Size of the static executable; None without one.
    """
    # Imported here: it needs a library that only this function needs.
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
    """Whether two images have different layouts or contents; times and labels do not count."""
    return (one.layout, one.components) != (other.layout, other.components)


@dataclass(frozen=True, kw_only=True)
class Growth:
    """The change of one component from one image to the next.

    Attributes:
        before: Its size in bytes in the previous image; None if it was not there.
        after: Its size in this image; None if it is no longer there.
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
    """The components that changed, were added or removed, largest change first."""
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
    """The components by key; if there are several versions of one, the last."""
    return {each.key: each for each in components}
