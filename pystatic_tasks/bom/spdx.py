"""Writes the components as SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/), with its own library, an extra.

It is written only on request, and does not list single files. The supplier is "the actual distribution source" (7.5),
the originator the maker, if that is someone else (7.6). The concluded licence is the declared one (7.13, 7.15),
since only a component's own metadata are read. SPDX 2 has no field for the kind of a document, so it is in the
creator's comment (6.10), as in CISA's "Framing Software Component Transparency" (2024).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from spdx_tools.common.spdx_licensing import spdx_licensing
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    Checksum,
    ChecksumAlgorithm,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    ExtractedLicensingInfo,
    Package,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
    SpdxNone,
)
from spdx_tools.spdx.writer.json.json_writer import write_document_to_stream

from pystatic_tasks.bom.components import OURS, our_component
from pystatic_tasks.bom.image import Subject, subject
from pystatic_tasks.bom.licenses import conclude, explanations, slug
from pystatic_tasks.bom.names import Party, package_url, party, source_of
from pystatic_tasks.bom.relations import contents, requirements
from pystatic_tasks.in_env.protocol import NO_NOTICES, Component
from pystatic_tasks.oci.description import ImageDescription

DOCUMENT = "SPDXRef-DOCUMENT"
IMAGE = "SPDXRef-Image"
SYSTEM = "SPDXRef-OperatingSystem"
PURPOSES = {"project": PackagePurpose.APPLICATION, "interpreter": PackagePurpose.APPLICATION}
NAMESPACE = "https://spdx.org/spdxdocs"


def write_spdx(built: ImageDescription, components: Sequence[Component]) -> str:
    """The document: always the same text for the same image.

    Args:
        built: The image.
        components: All components of the image, without duplicates.
    """
    about = subject(built, components)
    described = [describe(number, each) for number, each in enumerate(components, start=1)]
    system = describe_system(about)
    author = actor(party(built.vendor))
    document = Document(
        creation_info=CreationInfo(
            spdx_version="SPDX-2.3",
            spdx_id=DOCUMENT,
            name=built.name,
            document_namespace=f"{NAMESPACE}/{built.name}-{about.serial_number}",
            creators=[Actor(ActorType.TOOL, f"{OURS}-{our_component().version}"), *([author] if author else [])],
            creator_comment="SBOM Type: Build",
            created=datetime.fromisoformat(built.created.removesuffix("Z")),
        ),
        packages=[describe_image(about), *described, *system],
        relationships=[
            Relationship(DOCUMENT, RelationshipType.DESCRIBES, IMAGE),
            *relations(components, described),
            *(Relationship(IMAGE, RelationshipType.CONTAINS, each.spdx_id) for each in system),
        ],
        extracted_licensing_info=[
            ExtractedLicensingInfo(license_id=key, extracted_text=text)
            for key, text in explanations(components).items()
        ],
    )
    stream = io.StringIO()
    write_document_to_stream(document, stream, validate=False)
    return stream.getvalue() + "\n"


def relations(components: Sequence[Component], described: Sequence[Package]) -> list[Relationship]:
    """What is contained in the image or in a component, and what each depends on."""
    inside, needed = contents(components), requirements(components)
    below = {number for each in inside for number in each}
    kinds = ((RelationshipType.CONTAINS, inside), (RelationshipType.DEPENDS_ON, needed))
    roots = [each for number, each in enumerate(described) if number not in below]
    return [
        *(Relationship(IMAGE, RelationshipType.CONTAINS, each.spdx_id) for each in roots),
        *(
            Relationship(described[number].spdx_id, kind, described[other].spdx_id)
            for kind, found in kinds
            for number, others in enumerate(found)
            for other in others
        ),
    ]


def describe_image(about: Subject) -> Package:
    return Package(
        spdx_id=IMAGE,
        name=about.name,
        version=about.version,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        supplier=actor(about.supplier) or SpdxNoAssertion(),
        checksums=[Checksum(ChecksumAlgorithm.SHA256, about.sha256)],
        license_concluded=license_expression(about.license.expression),
        copyright_text=notices(about.copyright),
        external_references=[reference("purl", str(about.url))],
        primary_package_purpose=PackagePurpose.CONTAINER,
    )


def describe(number: int, component: Component) -> Package:
    references = [reference("purl", str(package_url(component)))]
    if component.cpe:
        references.append(reference("cpe23Type", component.cpe))
    license = conclude(component).expression
    return Package(
        spdx_id=f"SPDXRef-{number}-{slug(component.name)}",
        name=component.name,
        version=component.version or None,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        supplier=actor(party(component.supplier)) or SpdxNoAssertion(),
        originator=actor(party(component.originator)),
        checksums=[Checksum(ChecksumAlgorithm.SHA256, component.hash)] if component.hash else [],
        source_info=source_of(component) or None,
        license_concluded=license_expression(license),
        license_declared=license_expression(license),
        license_comment="; ".join(component.licenses) if component.licenses not in ((), (license,)) else None,
        copyright_text=notices(component.copyright),
        external_references=references,
        primary_package_purpose=PURPOSES.get(component.kind, PackagePurpose.LIBRARY),
    )


def describe_system(about: Subject) -> list[Package]:
    """The system packages' operating system, if any; none of the image's files are its own, so it has no licence."""
    if about.system is None:
        return []
    name, version = about.system
    return [
        Package(
            spdx_id=SYSTEM,
            name=name,
            version=version or None,
            download_location=SpdxNoAssertion(),
            files_analyzed=False,
            supplier=actor(party(name)) or SpdxNoAssertion(),
            license_concluded=SpdxNone(),
            license_declared=SpdxNone(),
            copyright_text=SpdxNone(),
            primary_package_purpose=PackagePurpose.OPERATING_SYSTEM,
        )
    ]


def actor(party: Party | None) -> Actor | None:
    if party is None:
        return None
    return Actor(ActorType.PERSON if party.is_person else ActorType.ORGANIZATION, party.name, party.address or None)


def notices(text: str) -> Any:
    return SpdxNone() if text == NO_NOTICES else text or SpdxNoAssertion()


def license_expression(text: str) -> Any:
    return spdx_licensing.parse(text) if text else SpdxNoAssertion()


def reference(kind: str, locator: str) -> ExternalPackageRef:
    is_name = kind == "purl"
    category = ExternalPackageRefCategory.PACKAGE_MANAGER if is_name else ExternalPackageRefCategory.SECURITY
    return ExternalPackageRef(category, kind, locator)
