"""Writes the components as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/), with its own library.

`supplier` is the distributor of a component or the image; `manufacturer` (an organization) or `authors` (a person) made
it, if that is known to be someone else. `metadata.manufacturer` is the organization in whose name the document
is made, and `metadata.lifecycles` says that it was made while the image was built.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component as CdxComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.model.contact import OrganizationalContact, OrganizationalEntity
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseAcknowledgement, LicenseExpression
from cyclonedx.model.lifecycle import LifecyclePhase, PredefinedLifecycle
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6

from pystatic_tasks.bom.components import OURS, our_component
from pystatic_tasks.bom.image import Subject, subject
from pystatic_tasks.bom.licenses import OWN, Conclusion, conclude
from pystatic_tasks.bom.names import Party, package_url, party, references
from pystatic_tasks.bom.relations import contents, requirements
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.oci.description import ImageDescription

CONCLUDED = LicenseAcknowledgement.CONCLUDED
TYPES = {"project": ComponentType.APPLICATION, "interpreter": ComponentType.APPLICATION}


def write_cyclonedx(built: ImageDescription, components: Sequence[Component]) -> str:
    """The document: always the same text for the same image.

    Args:
        built: The image.
        components: All components of the image, without duplicates.
    """
    about = subject(built, components)
    image = describe_image(about)
    described = [describe(each, name) for each, name in zip(components, references(components), strict=True)]
    system = describe_system(about)
    tool = CdxComponent(type=ComponentType.APPLICATION, name=OURS, version=our_component().version)
    bom = Bom(
        serial_number=about.serial_number,
        metadata=BomMetaData(
            lifecycles=[PredefinedLifecycle(LifecyclePhase.BUILD)],
            supplier=entity(about.supplier),
            manufacturer=entity(party(built.vendor)),
            timestamp=datetime.fromisoformat(built.created.replace("Z", "+00:00")),
            tools=ToolRepository(components=[tool]),
            component=image,
        ),
        components=[*described, *system],
        dependencies=dependencies(image, components, described, system),
    )
    # Without spaces: registries get it unchanged, and it is pushed again after every change.
    return json.dumps(in_order(json.loads(JsonV1Dot6(bom).output_as_string())), separators=(",", ":")) + "\n"


def in_order(document: dict[str, Any]) -> dict[str, Any]:
    """The document with those lists sorted that the library writes in varying order."""
    for component in document["components"]:
        component.get("evidence", {}).get("occurrences", []).sort(key=json.dumps)
    return document


def describe_image(about: Subject) -> CdxComponent:
    return CdxComponent(
        type=ComponentType.CONTAINER,
        bom_ref=str(about.url),
        name=about.name,
        version=about.version,
        purl=about.url,
        hashes=[sha256(about.sha256)],
        supplier=entity(about.supplier),
        licenses=describe_license(about.license),
        copyright=about.copyright or None,
    )


def describe(component: Component, name: str) -> CdxComponent:
    originator = party(component.originator)
    places = [Occurrence(location=each) for each in component.files]
    return CdxComponent(
        type=TYPES.get(component.kind, ComponentType.LIBRARY),
        bom_ref=name,
        name=component.name,
        version=component.version or None,
        purl=package_url(component),
        cpe=component.cpe or None,
        hashes=[sha256(component.hash)] if component.hash else [],
        supplier=entity(party(component.supplier)),
        manufacturer=entity(originator) if originator and not originator.is_person else None,
        authors=[person(originator)] if originator and originator.is_person else [],
        licenses=describe_license(conclude(component)),
        copyright=component.copyright or None,
        properties=source_package(component),
        evidence=ComponentEvidence(occurrences=places) if places else None,
    )


def describe_system(about: Subject) -> list[CdxComponent]:
    """The operating system that the system packages belong to, if there are any."""
    if about.system is None:
        return []
    name, version = about.system
    return [
        CdxComponent(
            type=ComponentType.OPERATING_SYSTEM,
            bom_ref="-".join(filter(None, about.system)),
            name=name,
            version=version or None,
            supplier=entity(party(name)),
        )
    ]


def describe_license(conclusion: Conclusion) -> list[License]:
    """An SPDX licence, a licence with the component's own name for it, or an expression of several."""
    text = conclusion.expression
    if not text:
        return []
    if " " in text:
        return [LicenseExpression(text, acknowledgement=CONCLUDED)]
    if text.startswith(OWN):
        return [DisjunctiveLicense(name=conclusion.references[text], acknowledgement=CONCLUDED)]
    return [LicenseFactory().make_from_string(text, license_acknowledgement=CONCLUDED)]


def entity(party: Party | None) -> OrganizationalEntity | None:
    if party is None:
        return None
    contacts = [OrganizationalContact(email=party.address)] if party.address else []
    return OrganizationalEntity(name=party.name, contacts=contacts)


def person(party: Party) -> OrganizationalContact:
    return OrganizationalContact(name=party.name, email=party.address or None)


def source_package(component: Component) -> list[Property]:
    """The source of a Debian package: advisories name sources, and Trivy reads them from here."""
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
    """The dependencies: of distributions, those in their metadata and built into them; of the image, all others."""
    both = zip(requirements(components), contents(components), strict=True)
    needs = [[described[number] for number in dict.fromkeys([*needed, *inside])] for needed, inside in both]
    needed = {id(each) for wanted in needs for each in wanted}
    roots = [ref for ref in [*described, *system] if id(ref) not in needed]
    return [
        Dependency(ref=ref.bom_ref, dependencies=[Dependency(ref=each.bom_ref) for each in wanted])
        for ref, wanted in [(image, roots), *zip(described, needs, strict=True), *((each, []) for each in system)]
    ]


def sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)
