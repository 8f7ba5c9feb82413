"""The components as CycloneDX 1.6 (https://cyclonedx.org), by its library."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component as CdxComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense, License
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packaging.utils import canonicalize_name

from pystatic_tasks.bom.components import OURS, our_component
from pystatic_tasks.bom.names import image_url, license_names, operating_system, package_url, serial_number, version_of
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.oci.description import ImageDescription

TYPES = {"project": ComponentType.APPLICATION, "interpreter": ComponentType.APPLICATION}


def write_cyclonedx(built: ImageDescription, components: Sequence[Component]) -> str:
    """The document, always the same text for the same image.

    Args:
        built: The image.
        components: All of the image, each once.
    """
    image = describe_image(built, components)
    described = [describe(each) for each in components]
    system = describe_system(components)
    tool = CdxComponent(type=ComponentType.APPLICATION, name=OURS, version=our_component().version)
    bom = Bom(
        serial_number=serial_number(built, components),
        metadata=BomMetaData(
            timestamp=datetime.fromisoformat(built.created.replace("Z", "+00:00")),
            tools=ToolRepository(components=[tool]),
            component=image,
        ),
        components=[*described, *system],
        dependencies=dependencies(image, components, described, system),
    )
    # Without spaces: it goes to registries as it is, and is pushed again with every change.
    return json.dumps(in_order(json.loads(JsonV1Dot6(bom).output_as_string())), separators=(",", ":")) + "\n"


def in_order(document: dict[str, Any]) -> dict[str, Any]:
    """The document with those lists sorted which the library leaves in an order of its own each time."""
    for component in document["components"]:
        component.get("evidence", {}).get("occurrences", []).sort(key=json.dumps)
        component.get("licenses", []).sort(key=json.dumps)
    return document


def describe_image(built: ImageDescription, components: Iterable[Component]) -> CdxComponent:
    url = image_url(built)
    return CdxComponent(
        type=ComponentType.CONTAINER,
        bom_ref=str(url),
        name=built.name,
        version=version_of(built, components),
        purl=url,
        hashes=[sha256(built.digest.removeprefix("sha256:"))],
    )


def describe(component: Component) -> CdxComponent:
    url = package_url(component)
    places = [Occurrence(location=each) for each in component.files]
    return CdxComponent(
        type=TYPES.get(component.kind, ComponentType.LIBRARY),
        bom_ref=str(url),
        name=component.name,
        version=component.version or None,
        purl=url,
        cpe=component.cpe or None,
        hashes=[sha256(component.hash)] if component.hash else [],
        licenses=describe_licenses(component),
        properties=source_package(component),
        evidence=ComponentEvidence(occurrences=places) if places else None,
    )


def describe_system(components: Iterable[Component]) -> list[CdxComponent]:
    """What the system's packages are of, if there are any."""
    found = operating_system(components)
    if found is None:
        return []
    name, version = found
    return [
        CdxComponent(
            type=ComponentType.OPERATING_SYSTEM, bom_ref="-".join(filter(None, found)), name=name, version=version
        )
    ]


def describe_licenses(component: Component) -> list[License]:
    """One expression, or any number of single licences: the standard wants no mixture."""
    names = license_names(component)
    if len(names) == 1:
        return [LicenseFactory().make_from_string(names[0])]
    found = [LicenseFactory().make_from_string(each) for each in names]
    return [
        each if isinstance(each, DisjunctiveLicense) else DisjunctiveLicense(name=name)
        for each, name in zip(found, names, strict=True)
    ]


def source_package(component: Component) -> list[Property]:
    """Of which source a Debian package was made: advisories name sources, and Trivy reads them from here."""
    if component.type != "deb":
        return []
    name, version = component.upstream
    return [
        Property(name="aquasecurity:trivy:SrcName", value=name),
        Property(name="aquasecurity:trivy:SrcVersion", value=version),
    ]


def dependencies(
    image: CdxComponent, components: Sequence[Component], described: Sequence[CdxComponent], system: list[CdxComponent]
) -> list[Dependency]:
    """Who needs whom: distributions by their metadata, and the image all that nobody else needs."""
    pairs = list(zip(components, described, strict=True))
    names: Mapping[str, CdxComponent] = {
        canonicalize_name(each.name): ref for each, ref in pairs if each.kind in ("project", "distribution")
    }
    needs = [(ref, [names[name] for name in each.requires if name in names]) for each, ref in pairs]
    needed = {id(each) for ref, wanted in needs for each in wanted if each is not ref}
    roots = [ref for ref in [*described, *system] if id(ref) not in needed]
    return [
        Dependency(ref=ref.bom_ref, dependencies=[Dependency(ref=each.bom_ref) for each in wanted])
        for ref, wanted in [(image, roots), *needs, *((each, []) for each in system)]
    ]


def sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)
