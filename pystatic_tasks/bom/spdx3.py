"""Writes the components as SPDX 3.0.1 (https://spdx.github.io/spdx-spec/v3.0.1/), in JSON-LD.

It is written only on request, and does not list single files. `suppliedBy` is the distributor of a component or the
image, `originatedBy` its maker, if that is known to be someone else. The concluded licence is the declared one,
since only a component's own metadata are read. The kind of the document is "build".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pystatic_tasks.bom.components import OURS, our_component
from pystatic_tasks.bom.image import Subject, subject
from pystatic_tasks.bom.licenses import Conclusion, conclude, explanations, slug
from pystatic_tasks.bom.names import Party, package_url, party, source_of
from pystatic_tasks.bom.relations import contents, requirements
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.oci.description import ImageDescription
from pystatic_tasks.system.files import fingerprint

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
NAMESPACE = "https://spdx.org/spdxdocs"
PROFILES = ["core", "software", "simpleLicensing"]
CREATION = "_:creation"
PURPOSES = {"project": "application", "interpreter": "application"}
UNKNOWN_LICENSE, NO_LICENSE = "expandedlicensing_NoAssertionLicense", "expandedlicensing_NoneLicense"
# The number of a hash's digits that distinguish the elements of a document.
DIGITS = 16
UNKNOWN, NONE = "NOASSERTION", "NONE"


@dataclass(frozen=True, kw_only=True)
class Graph:
    """The elements of a document, by their identifiers, which begin with its namespace."""

    namespace: str
    elements: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def add(self, key: str, kind: str, /, **values: Any) -> str:
        """Add an element without its empty values, unless it exists, and return its identifier."""
        identifier = f"{self.namespace}#{key}"
        known = {each: value for each, value in values.items() if value}
        self.elements.setdefault(identifier, {"type": kind, "spdxId": identifier, "creationInfo": CREATION, **known})
        return identifier

    def relate(self, source: str, kind: str, targets: Sequence[str]) -> None:
        """Add a relationship, if it has targets."""
        if targets:
            name = f"Relationship-{len(self.elements)}"
            self.add(name, "Relationship", **{"from": source, "relationshipType": kind, "to": list(targets)})


def write_spdx3(built: ImageDescription, components: Sequence[Component]) -> str:
    """The document: always the same text for the same image.

    Args:
        built: The image.
        components: All components of the image, without duplicates.
    """
    about = subject(built, components)
    graph = Graph(namespace=f"{NAMESPACE}/{built.name}-{about.serial_number}")
    tool = f"{OURS} {our_component().version}"
    vendor = party(built.vendor)
    author = add_agent(graph, vendor) if vendor else graph.add("Creator", "SoftwareAgent", name=tool)
    used = graph.add("Tool", "Tool", name=tool)
    texts = {
        key: graph.add(key, "simplelicensing_SimpleLicensingText", name=key, simplelicensing_licenseText=text)
        for key, text in explanations(components).items()
    }
    image = add_image(graph, about, texts, built.created)
    packages = [add_package(graph, number, each, texts) for number, each in enumerate(components, start=1)]
    inside = contents(components)
    below = {number for each in inside for number in each}
    roots = [each for number, each in enumerate(packages) if number not in below]
    graph.relate(image, "contains", [*roots, *add_system(graph, about)])
    for kind, found in (("contains", inside), ("dependsOn", requirements(components))):
        for number, others in enumerate(found):
            graph.relate(packages[number], kind, [packages[each] for each in others])
    content = {"element": list(graph.elements), "profileConformance": PROFILES}
    bom = graph.add("Sbom", "software_Sbom", rootElement=[image], software_sbomType=["build"], **content)
    content["element"] = list(graph.elements)
    graph.add("Document", "SpdxDocument", name=built.name, rootElement=[bom], **content)
    creation = {
        "type": "CreationInfo",
        "@id": CREATION,
        "specVersion": "3.0.1",
        "created": built.created,
        "createdBy": [author],
        "createdUsing": [used],
    }
    document = {"@context": CONTEXT, "@graph": [creation, *graph.elements.values()]}
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def add_image(graph: Graph, about: Subject, texts: Mapping[str, str], created: str) -> str:
    image = graph.add(
        "Image",
        "software_Package",
        name=about.name,
        software_packageVersion=about.version,
        software_packageUrl=str(about.url),
        software_primaryPurpose="container",
        software_copyrightText=about.copyright or UNKNOWN,
        suppliedBy=about.supplier and add_agent(graph, about.supplier),
        verifiedUsing=[sha256(about.sha256)],
        builtTime=created,
    )
    graph.relate(image, "hasConcludedLicense", [add_license(graph, about.license, texts)])
    return image


def add_package(graph: Graph, number: int, component: Component, texts: Mapping[str, str]) -> str:
    supplier, originator = party(component.supplier), party(component.originator)
    package = graph.add(
        f"{number}-{slug(component.name)}",
        "software_Package",
        name=component.name,
        software_packageVersion=component.version,
        software_packageUrl=str(package_url(component)),
        software_primaryPurpose=PURPOSES.get(component.kind, "library"),
        software_copyrightText=component.copyright or UNKNOWN,
        software_sourceInfo=source_of(component),
        suppliedBy=supplier and add_agent(graph, supplier),
        originatedBy=[add_agent(graph, originator)] if originator else [],
        verifiedUsing=[sha256(component.hash)] if component.hash else [],
        externalIdentifier=[cpe(component.cpe)] if component.cpe else [],
    )
    license = add_license(graph, conclude(component), texts)
    for kind in ("hasConcludedLicense", "hasDeclaredLicense"):
        graph.relate(package, kind, [license])
    return package


def add_system(graph: Graph, about: Subject) -> list[str]:
    """The system packages' operating system, if any; none of the image's files are its own, so it has no licence."""
    if about.system is None:
        return []
    name, version = about.system
    supplier = party(name)
    system = graph.add(
        "OperatingSystem",
        "software_Package",
        name=name,
        software_packageVersion=version,
        software_primaryPurpose="operatingSystem",
        software_copyrightText=NONE,
        suppliedBy=supplier and add_agent(graph, supplier),
    )
    graph.relate(system, "hasConcludedLicense", [NO_LICENSE])
    return [system]


def add_license(graph: Graph, conclusion: Conclusion, texts: Mapping[str, str]) -> str:
    if not conclusion.expression:
        return UNKNOWN_LICENSE
    entries = [{"type": "DictionaryEntry", "key": key, "value": texts[key]} for key in sorted(conclusion.references)]
    return graph.add(
        f"License-{fingerprint(conclusion.expression)[:DIGITS]}",
        "simplelicensing_LicenseExpression",
        simplelicensing_licenseExpression=conclusion.expression,
        simplelicensing_customIdToUri=entries,
    )


def add_agent(graph: Graph, party: Party) -> str:
    address = {"type": "ExternalIdentifier", "externalIdentifierType": "email", "identifier": party.address}
    return graph.add(
        f"Agent-{fingerprint([party.name, party.address])[:DIGITS]}",
        "Person" if party.is_person else "Organization",
        name=party.name,
        externalIdentifier=[address] if party.address else [],
    )


def sha256(digest: str) -> dict[str, str]:
    return {"type": "Hash", "algorithm": "sha256", "hashValue": digest}


def cpe(name: str) -> dict[str, str]:
    return {"type": "ExternalIdentifier", "externalIdentifierType": "cpe23", "identifier": name}
