"""The components of an image: those of the program, from earlier steps, and those of other files in the image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from importlib.metadata import metadata
from pathlib import Path

from pystatic_tasks.bom.system_files import SystemFiles
from pystatic_tasks.in_env.protocol import Component, ComponentKind
from pystatic_tasks.system.files import hash_file
from pystatic_tasks.system.redaction import masked

# Names of each kind for people, singular and plural.
KINDS: Mapping[ComponentKind, tuple[str, str]] = {
    "project": ("project", "projects"),
    "distribution": ("Python distribution", "Python distributions"),
    "bundled": ("library built into these", "libraries built into these"),
    "interpreter": ("interpreter", "interpreters"),
    "system": ("system package", "system packages"),
    "file": ("library of no package", "libraries of no package"),
}
OURS = "pystatic-tasks"
OUR_SUPPLIER = "The pystatic-tasks contributors"
OUR_COPYRIGHT = "Copyright (c) 2026 The pystatic-tasks contributors"
# Labels with which the configuration adds to the metadata of the project or overrides them
# (https://github.com/opencontainers/image-spec/blob/main/annotations.md).
VENDOR = "org.opencontainers.image.vendor"
LICENSES = "org.opencontainers.image.licenses"
# The folder of the certificate bundle, and the program that makes it if it belongs to no package.
CERTIFICATES = "/etc/ssl"
MAKES_CERTIFICATES = "/usr/sbin/update-ca-certificates"
THIS_MACHINE = SystemFiles()


@dataclass(frozen=True, kw_only=True)
class UsedInterpreter:
    """The Python that an image was built with."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class UsedPackage:
    """A system package, or a library without one, with the SHA-256 of each library that was taken from it."""

    type: str
    name: str
    version: str
    libraries: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class BuiltWith:
    """What an image was made from and by that cannot be pinned; `tools` are versions by name."""

    interpreter: UsedInterpreter
    system: tuple[UsedPackage, ...]
    tools: Mapping[str, str]


def our_component() -> Component:
    """This package, parts of which are in programs and images."""
    # Our own code's licence; the package's also covers the code of others, which is listed separately if included.
    return Component(
        kind="distribution",
        type="pypi",
        name=OURS,
        version=metadata(OURS)["Version"],
        licenses=("MIT",),
        supplier=OUR_SUPPLIER,
        copyright=OUR_COPYRIGHT,
    )


def image_components(
    program: Iterable[Component],
    added: Mapping[str, Path | None],
    folder: Path,
    labels: Mapping[str, str],
    system: SystemFiles = THIS_MACHINE,
) -> list[Component]:
    """All components of an image, without duplicates, sorted.

    Args:
        program: The components of the program.
        added: The other files of the image: the path of each, and the file that it is a copy of.
        folder: The project's folder.
        labels: The labels in the image's configuration.
        system: Finds the packages of files that do not belong to the project.
    """
    known = [as_labelled(each, labels) if each.kind == "project" else each for each in program]
    project = next(each for each in known if each.kind == "project")
    paths = {location: system.path_of(source) for location, source in added.items() if source}
    others = [path for path in paths.values() if not Path(path).is_relative_to(folder)]
    packages = system.packages_of([*others, *makers_of(others)])
    for location, source in added.items():
        package = packages.get(paths.get(location, ""))
        if source is None:
            owner = our_component()
        elif package:
            owner = package
        elif Path(paths[location]).is_relative_to(CERTIFICATES):
            owner = bundle(source, packages.get(MAKES_CERTIFICATES))
        else:
            owner = project
        known.append(replace(owner, files=(location,)))
    return merged(known)


def without_credentials(component: Component) -> Component:
    """The component with the credentials in URLs of its texts hidden."""
    return replace(
        component,
        name=masked(component.name),
        version=masked(component.version),
        licenses=tuple(map(masked, component.licenses)),
        supplier=masked(component.supplier),
        originator=masked(component.originator),
        copyright=masked(component.copyright),
    )


def makers_of(paths: Iterable[str]) -> list[str]:
    """The programs that make those system files that belong to no package."""
    return [MAKES_CERTIFICATES] * any(Path(path).is_relative_to(CERTIFICATES) for path in paths)


def as_labelled(project: Component, labels: Mapping[str, str]) -> Component:
    """The project with what its labels say: "Name of the distributing entity", and an SPDX expression."""
    vendor, licenses = labels.get(VENDOR, ""), labels.get(LICENSES, "")
    return replace(
        project,
        supplier=vendor or project.supplier,
        originator=project.supplier if vendor and vendor != project.supplier else project.originator,
        licenses=(licenses,) if licenses else project.licenses,
    )


def bundle(source: Path, maker: Component | None) -> Component:
    """A certificate bundle of no package: it belongs to the package that made it, or is identified by its hash."""
    if maker:
        return maker
    digest = hash_file(source)
    checksum = {"checksum": f"sha256:{digest}"}
    return Component(kind="file", type="generic", name=source.name, sha256=digest, qualifiers=checksum)


def merged(components: Iterable[Component]) -> list[Component]:
    """The components without duplicates, each with all of its files and libraries, sorted."""
    groups: dict[tuple[str, ...], list[Component]] = {}
    for each in components:
        groups.setdefault(each.identity, []).append(each)
    return [reduce(together, groups[identity]) for identity in sorted(groups)]


def together(one: Component, other: Component) -> Component:
    return replace(
        one,
        libraries=dict(sorted({**one.libraries, **other.libraries}.items())),
        files=tuple(sorted({*one.files, *other.files})),
        inside=tuple(sorted({*one.inside, *other.inside})),
    )


def counted(components: Iterable[Component]) -> str:
    """How many components of each kind there are, in words."""
    kinds = [each.kind for each in components]
    found = ((kinds.count(kind), *names) for kind, names in KINDS.items() if kind in kinds)
    return ", ".join(f"{count} {one if count == 1 else several}" for count, one, several in found)


def built_with(components: Iterable[Component], tools: Mapping[str, str]) -> BuiltWith:
    """What cannot be pinned: what the image took from this machine, and the tools that made it.

    Args:
        components: The components of the image.
        tools: Versions of the tools, by name.
    """
    known = list(components)
    python = next(each for each in known if each.kind == "interpreter")
    return BuiltWith(
        interpreter=UsedInterpreter(name=python.name, version=python.version, sha256=python.sha256),
        system=tuple(brought(each) for each in known if each.kind in ("system", "file")),
        tools=dict(sorted(tools.items())),
    )


def brought(component: Component) -> UsedPackage:
    libraries = dict(sorted(component.libraries.items()))
    return UsedPackage(type=component.type, name=component.name, version=component.version, libraries=libraries)
