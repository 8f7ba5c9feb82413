"""The components of an image: those of the program, as the steps before left them, and those of what is added to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import reduce
from importlib.metadata import metadata
from pathlib import Path
from typing import Any, Literal

from pystatic_tasks.pipeline import hash_file
from pystatic_tasks.workbench.packages import packages_of

Kind = Literal["project", "distribution", "interpreter", "system", "file"]
# What people call one and several of a kind.
KINDS: Mapping[Kind, tuple[str, str]] = {
    "project": ("project", "projects"),
    "distribution": ("Python distribution", "Python distributions"),
    "interpreter": ("interpreter", "interpreters"),
    "system": ("package of the system", "packages of the system"),
    "file": ("library of no package", "libraries of no package"),
}
OURS = "pystatic-tasks"
# Where the bundle of authorities stands, and the program that makes it where it is no package's file.
CERTIFICATES = "/etc/ssl"
MAKES_CERTIFICATES = "/usr/sbin/update-ca-certificates"


@dataclass(frozen=True, kw_only=True)
class Component:
    """One thing that the image's files came from; `workbench/components.py` says what the fields mean."""

    kind: Kind
    type: str
    name: str
    namespace: str = ""
    version: str = ""
    qualifiers: Mapping[str, str] = field(default_factory=dict)
    licenses: tuple[str, ...] = ()
    sha256: str = ""
    cpe: str = ""
    requires: tuple[str, ...] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.type, self.namespace, self.name, self.version, *(f"{k}={v}" for k, v in self.qualifiers.items()))

    @property
    def hash(self) -> str:
        """Its own SHA-256; of a package the one of its only library, or of the list of them as sha256sum writes it."""
        if self.sha256 or len(self.libraries) <= 1:
            return self.sha256 or next(iter(self.libraries.values()), "")
        lines = (f"{digest}  {name}\n" for name, digest in sorted(self.libraries.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def upstream(self) -> tuple[str, str]:
        """Name and version of the source that a system's package was made of."""
        name, _, version = self.qualifiers.get("upstream", self.name).partition("@")
        return name, version or self.version


def from_facts(records: Iterable[Mapping[str, Any]]) -> list[Component]:
    """Components as the steps before wrote them down."""
    tuples = ("licenses", "requires", "files")
    return [Component(**{**record, **{name: tuple(record.get(name, ())) for name in tuples}}) for record in records]


def to_facts(components: Iterable[Component]) -> list[dict[str, Any]]:
    """Components as a manifest keeps them."""
    return [
        {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(each).items()}
        for each in components
    ]


def our_component() -> dict[str, Any]:
    """This package, of which parts travel in programs and images."""
    ours = metadata(OURS)
    licenses = ours.get_all("License-Expression") or []
    return {"kind": "distribution", "type": "pypi", "name": OURS, "version": ours["Version"], "licenses": licenses}


def image_components(program: Iterable[Component], added: Mapping[str, Path | None], folder: Path) -> list[Component]:
    """All components of an image, each once, sorted.

    Args:
        program: Those of the program.
        added: The other files of the image: where each lies, and the file of this machine that it is a copy of.
        folder: The project's folder.
    """
    known = list(program)
    project = next(each for each in known if each.kind == "project")
    sources = [source for source in added.values() if source and not source.is_relative_to(folder)]
    makers = [MAKES_CERTIFICATES] * any(source.is_relative_to(CERTIFICATES) for source in sources)
    packages = packages_of([*map(str, sources), *makers])
    for location, source in added.items():
        package = packages.get(str(source))
        if source is None:
            owner = from_facts([our_component()])[0]
        elif package:
            owner = from_facts([package])[0]
        elif source.is_relative_to(CERTIFICATES):
            owner = bundle(source, packages.get(MAKES_CERTIFICATES))
        else:
            owner = project
        known.append(replace(owner, files=(location,)))
    return merged(known)


def bundle(source: Path, maker: Mapping[str, Any] | None) -> Component:
    """A bundle of authorities, which no package brought: it belongs to what made it, or is known by its content."""
    if maker:
        return from_facts([maker])[0]
    digest = hash_file(source)
    checksum = {"checksum": f"sha256:{digest}"}
    return Component(kind="file", type="generic", name=source.name, sha256=digest, qualifiers=checksum)


def merged(components: Iterable[Component]) -> list[Component]:
    """Each component once, with all its files and libraries, sorted."""
    groups: dict[tuple[str, ...], list[Component]] = {}
    for each in components:
        groups.setdefault(each.identity, []).append(each)
    return [reduce(together, groups[identity]) for identity in sorted(groups)]


def together(one: Component, other: Component) -> Component:
    return replace(
        one,
        libraries=dict(sorted({**one.libraries, **other.libraries}.items())),
        files=tuple(sorted({*one.files, *other.files})),
    )


def counted(components: Iterable[Component]) -> str:
    """How many components of which kinds there are, in words."""
    kinds = [each.kind for each in components]
    found = ((kinds.count(kind), *names) for kind, names in KINDS.items() if kind in kinds)
    return ", ".join(f"{count} {one if count == 1 else several}" for count, one, several in found)


def built_with(components: Iterable[Component], tools: Mapping[str, str]) -> dict[str, Any]:
    """What cannot be pinned: what the image took from this machine, and what made it.

    Args:
        components: Those of the image.
        tools: Versions of the tools, by name.
    """
    known = list(components)
    python = next(each for each in known if each.kind == "interpreter")
    return {
        "interpreter": {"name": python.name, "version": python.version, "sha256": python.sha256},
        "system": [brought(each) for each in known if each.kind in ("system", "file")],
        "tools": dict(sorted(tools.items())),
    }


def brought(component: Component) -> dict[str, Any]:
    libraries = dict(sorted(component.libraries.items()))
    return {"type": component.type, "name": component.name, "version": component.version, "libraries": libraries}
