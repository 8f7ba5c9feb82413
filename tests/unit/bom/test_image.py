from __future__ import annotations

from dataclasses import replace

import pytest

from pystatic_tasks.bom.image import image_url, operating_system, serial_number, subject
from pystatic_tasks.bom.names import Party
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.steps.results import Built


def test_an_image_has_a_url_by_its_digest(built: Built) -> None:
    assert str(image_url(built)) == f"pkg:oci/shop@sha256:{'1' * 64}?arch=amd64"


def test_the_serial_number_is_that_of_the_image_and_its_components(built: Built, components: list[Component]) -> None:
    number = serial_number(built, components)
    assert serial_number(replace(built), list(components)) == number
    assert serial_number(replace(built, digest=f"sha256:{'2' * 64}"), components) != number
    assert serial_number(replace(built, vendor="Shop Inc."), components) != number
    assert serial_number(built, [replace(components[0], version="3.0.20"), *components[1:]]) != number


def test_the_version_is_the_projects_or_else_the_tag(built: Built, components: list[Component]) -> None:
    assert subject(built, components).version == "1.4"
    assert subject(built, [replace(each, version="") for each in components]).version == "latest"


def test_an_image_is_its_projects_and_under_the_licences_of_all(built: Built, components: list[Component]) -> None:
    found = subject(built, components)
    assert found.supplier == Party(name="Ada Größe", address="ada@shop.example")
    assert found.license.expression == ""
    licensed = [each for each in components if each.licenses]
    assert subject(built, licensed).license.expression == (
        "Apache-2.0 AND (LicenseRef-deb-libssl3-Artistic OR GPL-1.0-or-later) AND MIT "
        "AND LicenseRef-pypi-Big-Dep-Gr-e-s-own AND (ISC OR MIT) AND (MIT OR Apache-2.0) AND Python-2.0.1"
    )


@pytest.mark.parametrize(
    ("namespace", "distro", "expected"),
    [("debian", "debian-12", ("debian", "12")), ("arch", "arch", ("arch", ""))],
)
def test_the_system_is_that_of_its_packages(namespace: str, distro: str, expected: tuple[str, str]) -> None:
    package = Component(kind="system", type="deb", name="x", namespace=namespace, qualifiers={"distro": distro})
    assert operating_system([package]) == expected


def test_without_packages_there_is_no_system(components: list[Component]) -> None:
    assert operating_system(components[1:]) is None
