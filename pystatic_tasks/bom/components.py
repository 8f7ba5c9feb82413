"""The components of an image: those of the program, as the steps before left them, and those of what is added to it."""

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

# What people call one and several of a kind.
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
# Labels by which whoever configures an image says what its project's metadata do not, or says it otherwise
# (https://github.com/opencontainers/image-spec/blob/main/annotations.md).
VENDOR = "org.opencontainers.image.vendor"
LICENSES = "org.opencontainers.image.licenses"
# Where the bundle of authorities stands, and the program that makes it where it is no package's file.
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
    """A system package, or a library of none, with the SHA-256 of the libraries that were taken of it."""

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
    """This package, of which parts travel in programs and images."""
    # That of what we wrote; the package's is also about what others wrote, which is listed beside it where it travels.
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
    """All components of an image, each once, sorted.

    Args:
        program: Those of the program.
        added: The other files of the image: where each lies, and the file that it is a copy of.
        folder: The project's folder.
        labels: Those that the configuration gives the image.
        system: What those of them are of that are no files of the project.
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
    """The component with what stands before the host in each URL of its texts hidden."""
    return replace(
        component,
        licenses=tuple(map(masked, component.licenses)),
        supplier=masked(component.supplier),
        originator=masked(component.originator),
        copyright=masked(component.copyright),
    )


def makers_of(paths: Iterable[str]) -> list[str]:
    """The programs that make those files of the system that are no package's."""
    return [MAKES_CERTIFICATES] * any(Path(path).is_relative_to(CERTIFICATES) for path in paths)


def as_labelled(project: Component, labels: Mapping[str, str]) -> Component:
    """The project with what labels say of it: "Name of the distributing entity", and an SPDX expression."""
    vendor, licenses = labels.get(VENDOR, ""), labels.get(LICENSES, "")
    return replace(
        project,
        supplier=vendor or project.supplier,
        originator=project.supplier if vendor and vendor != project.supplier else project.originator,
        licenses=(licenses,) if licenses else project.licenses,
    )


def bundle(source: Path, maker: Component | None) -> Component:
    """A bundle of authorities, which no package brought: it belongs to what made it, or is known by its content."""
    if maker:
        return maker
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
        inside=tuple(sorted({*one.inside, *other.inside})),
    )


def counted(components: Iterable[Component]) -> str:
    """How many components of which kinds there are, in words."""
    kinds = [each.kind for each in components]
    found = ((kinds.count(kind), *names) for kind, names in KINDS.items() if kind in kinds)
    return ", ".join(f"{count} {one if count == 1 else several}" for count, one, several in found)


def built_with(components: Iterable[Component], tools: Mapping[str, str]) -> BuiltWith:
    """What cannot be pinned: what the image took from this machine, and what made it.

    Args:
        components: Those of the image.
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
