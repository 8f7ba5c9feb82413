from __future__ import annotations

from dataclasses import replace

import pytest
from cyclonedx.spdx import is_supported_id

from pystatic_tasks.bom.names import (
    LICENSES,
    image_url,
    license_names,
    operating_system,
    package_url,
    serial_number,
    version_of,
)
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.steps.results import Built


def test_every_component_has_a_url(components: list[Component]) -> None:
    checksum = f"checksum=sha256:{'e' * 64}"
    assert [str(package_url(each)) for each in components] == [
        "pkg:deb/debian/libssl3@3.0.19-1%2Bb1?arch=amd64&distro=debian-12&upstream=openssl%403.0.19-1",
        f"pkg:generic/libx.so?{checksum}",
        "pkg:generic/python@3.13.0",
        "pkg:generic/shop@1.4",
        "pkg:pypi/big-dep@2.0",
        "pkg:pypi/gunicorn@27.0.1",
    ]


def test_an_image_has_a_url_by_its_digest(built: Built) -> None:
    assert str(image_url(built)) == f"pkg:oci/shop@sha256:{'1' * 64}?arch=amd64"


def test_licences_of_classifiers_have_spdxs_names_where_those_are_clear() -> None:
    each = Component(kind="distribution", type="pypi", name="x", licenses=("MIT License", "BSD License", "ISC"))
    assert license_names(each) == ["MIT", "BSD License", "ISC"]


@pytest.mark.parametrize("name", LICENSES.values())
def test_these_names_are_spdxs(name: str) -> None:
    assert is_supported_id(name)


def test_the_serial_number_is_that_of_the_image_and_its_components(built: Built, components: list[Component]) -> None:
    number = serial_number(built, components)
    assert serial_number(replace(built), list(components)) == number
    assert serial_number(replace(built, digest=f"sha256:{'2' * 64}"), components) != number
    assert serial_number(built, [replace(components[0], version="3.0.20"), *components[1:]]) != number


def test_the_version_is_the_projects_or_else_the_tag(built: Built, components: list[Component]) -> None:
    assert version_of(built, components) == "1.4"
    assert version_of(built, [replace(each, version="") for each in components]) == "latest"


@pytest.mark.parametrize(
    ("namespace", "distro", "expected"),
    [("debian", "debian-12", ("debian", "12")), ("arch", "arch", ("arch", ""))],
)
def test_the_system_is_that_of_its_packages(namespace: str, distro: str, expected: tuple[str, str]) -> None:
    package = Component(kind="system", type="deb", name="x", namespace=namespace, qualifiers={"distro": distro})
    assert operating_system([package]) == expected


def test_without_packages_there_is_no_system(components: list[Component]) -> None:
    assert operating_system(components[1:]) is None
