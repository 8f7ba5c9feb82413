"""The components as SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/), by its library, which is an extra.

Only where somebody asks for it: of each component its name, version, licence and hash, and not its files.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from license_expression import ExpressionError
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
    Package,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.writer.json.json_writer import write_document_to_stream

from pystatic_tasks.bom.components import OURS, our_component
from pystatic_tasks.bom.names import image_url, license_names, operating_system, package_url, serial_number, version_of
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.oci.description import ImageDescription

DOCUMENT = "SPDXRef-DOCUMENT"
IMAGE = "SPDXRef-Image"
SYSTEM = "SPDXRef-OperatingSystem"
PURPOSES = {"project": PackagePurpose.APPLICATION, "interpreter": PackagePurpose.APPLICATION}
NAMESPACE = "https://spdx.org/spdxdocs"


def write_spdx(built: ImageDescription, components: Sequence[Component]) -> str:
    """The document, always the same text for the same image.

    Args:
        built: The image.
        components: All of the image, each once.
    """
    packages = [describe(number, each) for number, each in enumerate(components, start=1)]
    packages = [describe_image(built, components), *packages, *describe_system(components)]
    inside = [Relationship(IMAGE, RelationshipType.CONTAINS, each.spdx_id) for each in packages[1:]]
    document = Document(
        creation_info=CreationInfo(
            spdx_version="SPDX-2.3",
            spdx_id=DOCUMENT,
            name=built.name,
            document_namespace=f"{NAMESPACE}/{built.name}-{serial_number(built, components)}",
            creators=[Actor(ActorType.TOOL, f"{OURS}-{our_component().version}")],
            created=datetime.fromisoformat(built.created.removesuffix("Z")),
        ),
        packages=packages,
        relationships=[Relationship(DOCUMENT, RelationshipType.DESCRIBES, IMAGE), *inside],
    )
    stream = io.StringIO()
    write_document_to_stream(document, stream, validate=False)
    return stream.getvalue() + "\n"


def describe_image(built: ImageDescription, components: Iterable[Component]) -> Package:
    return Package(
        spdx_id=IMAGE,
        name=built.name,
        version=version_of(built, components),
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        checksums=[Checksum(ChecksumAlgorithm.SHA256, built.digest.removeprefix("sha256:"))],
        external_references=[reference("purl", str(image_url(built)))],
        primary_package_purpose=PackagePurpose.CONTAINER,
    )


def describe(number: int, component: Component) -> Package:
    references = [reference("purl", str(package_url(component)))]
    if component.cpe:
        references.append(reference("cpe23Type", component.cpe))
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", component.name)
    names = license_names(component)
    expression = license_expression(names)
    return Package(
        spdx_id=f"SPDXRef-{number}-{readable}",
        name=component.name,
        version=component.version or None,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        checksums=[Checksum(ChecksumAlgorithm.SHA256, component.hash)] if component.hash else [],
        source_info=source_package(component),
        license_declared=expression,
        license_comment="; ".join(names) if names and isinstance(expression, SpdxNoAssertion) else None,
        external_references=references,
        primary_package_purpose=PURPOSES.get(component.kind, PackagePurpose.LIBRARY),
    )


def describe_system(components: Iterable[Component]) -> list[Package]:
    """What the system's packages are of, if there are any."""
    found = operating_system(components)
    if found is None:
        return []
    return [
        Package(
            spdx_id=SYSTEM,
            name=found[0],
            version=found[1] or None,
            download_location=SpdxNoAssertion(),
            files_analyzed=False,
            primary_package_purpose=PackagePurpose.OPERATING_SYSTEM,
        )
    ]


def license_expression(names: Sequence[str]) -> Any:
    """All licences in one expression, or no assertion where one of them is none of SPDX."""
    text = " AND ".join(f"({name})" if " " in name else name for name in names)
    try:
        return spdx_licensing.parse(text, validate=True) if names else SpdxNoAssertion()
    except ExpressionError:
        return SpdxNoAssertion()


def source_package(component: Component) -> str | None:
    """Of which source a Debian package was made, in the words that Trivy reads."""
    if component.type != "deb":
        return None
    name, version = component.upstream
    return f"built package from: {name} {version}"


def reference(kind: str, locator: str) -> ExternalPackageRef:
    is_name = kind == "purl"
    category = ExternalPackageRefCategory.PACKAGE_MANAGER if is_name else ExternalPackageRefCategory.SECURITY
    return ExternalPackageRef(category, kind, locator)
