"""The image that a document is about, for all formats."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from packageurl import PackageURL

from pystatic_tasks.bom.licenses import Conclusion, conclude_all
from pystatic_tasks.bom.names import Party, party
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.oci.description import ImageDescription
from pystatic_tasks.system.files import fingerprint


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An image.

    Attributes:
        version: The project's, or, if it has none, the first tag.
        sha256: The hash of its manifest.
        supplier: The project's; None if unknown.
        license: The licences of all components, which apply together.
        copyright: The project's; the components have their own.
        system: Name and version of the operating system that the system packages belong to, such as "debian" and "12";
            None if there are none. Scanners look up system packages only if a component names their system.
    """

    name: str
    version: str
    url: PackageURL
    sha256: str
    serial_number: uuid.UUID
    supplier: Party | None
    license: Conclusion
    copyright: str
    system: tuple[str, str] | None


def subject(built: ImageDescription, components: Sequence[Component]) -> Subject:
    """Describe an image with these components."""
    project = next((each for each in components if each.kind == "project"), None)
    return Subject(
        name=built.name,
        version=(project and project.version) or built.tags[0].rpartition(":")[2],
        url=image_url(built),
        sha256=built.digest.removeprefix("sha256:"),
        serial_number=serial_number(built, components),
        supplier=party(project.supplier) if project else None,
        license=conclude_all(components),
        copyright=project.copyright if project else "",
        system=operating_system(components),
    )


def image_url(built: ImageDescription) -> PackageURL:
    """The image's package URL (https://github.com/package-url/purl-spec)."""
    architecture = built.platform.partition("/")[2]
    return PackageURL(type="oci", name=built.name, version=built.digest, qualifiers={"arch": architecture})


def serial_number(built: ImageDescription, components: Sequence[Component]) -> uuid.UUID:
    """An identifier that is the same only for the same image with the same components."""
    described = [built.vendor, *(asdict(each) for each in components)]
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{image_url(built)}#{fingerprint(described)}")


def operating_system(components: Sequence[Component]) -> tuple[str, str] | None:
    packages = (each for each in components if each.kind == "system" and "distro" in each.qualifiers)
    for first in packages:
        return first.namespace, first.qualifiers["distro"].removeprefix(first.namespace).lstrip("-")
    return None
