"""What standards call components and images: package URLs, and licences of SPDX."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import asdict

from packageurl import PackageURL

from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.oci.description import ImageDescription
from pystatic_tasks.system.files import fingerprint

# Classifiers of PyPI that mean just one licence of SPDX.
LICENSES = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
}


def package_url(component: Component) -> PackageURL:
    """Its name in all languages' and systems' indexes of packages (https://github.com/package-url/purl-spec)."""
    return PackageURL(
        type=component.type,
        namespace=component.namespace or None,
        name=component.name,
        version=component.version or None,
        qualifiers=dict(component.qualifiers),
    )


def image_url(built: ImageDescription) -> PackageURL:
    """The same of an image, of an image."""
    architecture = built.platform.partition("/")[2]
    return PackageURL(type="oci", name=built.name, version=built.digest, qualifiers={"arch": architecture})


def license_names(component: Component) -> list[str]:
    """Its licences, by SPDX's names as far as they are clear."""
    return [LICENSES.get(each, each) for each in component.licenses]


def serial_number(built: ImageDescription, components: Iterable[Component]) -> uuid.UUID:
    """The same for the same image of the same components, and for no other."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{image_url(built)}#{fingerprint([asdict(each) for each in components])}")


def version_of(built: ImageDescription, components: Iterable[Component]) -> str:
    """The image's version: the project's, or where that has none the first tag."""
    project = next((each.version for each in components if each.kind == "project"), "")
    return project or built.tags[0].rpartition(":")[2]


def operating_system(components: Iterable[Component]) -> tuple[str, str] | None:
    """Name and version of what the system's packages are of, such as "debian" and "12"; None if there are none.

    Scanners look up a system's packages only if a component says which system that is.
    """
    packages = (each for each in components if each.kind == "system" and "distro" in each.qualifiers)
    for first in packages:
        return first.namespace, first.qualifiers["distro"].removeprefix(first.namespace).lstrip("-")
    return None
