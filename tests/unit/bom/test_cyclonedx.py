from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pystatic_tasks.bom.cyclonedx import write_cyclonedx
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.steps.results import Built

DEP, GUNICORN, SHOP = "pkg:pypi/big-dep@2.0", "pkg:pypi/gunicorn@27.0.1", "pkg:generic/shop@1.4"
LIBM = "pkg:cargo/libm@0.2.15"
ADA = {"name": "Ada Größe", "contact": [{"email": "ada@shop.example"}]}
WRITE = """
import json, sys
from pystatic_tasks.bom.cyclonedx import write_cyclonedx
from pystatic_tasks.in_env.records import from_json
from pystatic_tasks.steps.results import Built
built = from_json(Built, json.load(sys.stdin))
sys.stdout.write(write_cyclonedx(built, built.components))
"""


@pytest.fixture
def text(built: Built, components: list[Component]) -> str:
    return write_cyclonedx(built, components)


@pytest.fixture
def document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def by_url(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["purl"]: each for each in document["components"] if "purl" in each}


def test_it_is_valid_by_the_official_schema(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


@pytest.mark.parametrize("seed", ["1", "2"])
def test_it_is_the_same_in_every_process(built: Built, components: list[Component], text: str, seed: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", WRITE],
        input=json.dumps(to_json(replace(built, components=tuple(components)))),
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == text


def test_it_is_of_the_image(document: dict[str, Any]) -> None:
    metadata = document["metadata"]
    assert metadata["timestamp"] == "2024-05-06T07:08:09+00:00"
    assert metadata["component"] == {
        "bom-ref": f"pkg:oci/shop@sha256:{'1' * 64}?arch=amd64",
        "copyright": "NONE",
        "hashes": [{"alg": "SHA-256", "content": "1" * 64}],
        "name": "shop",
        "purl": f"pkg:oci/shop@sha256:{'1' * 64}?arch=amd64",
        "supplier": ADA,
        "type": "container",
        "version": "1.4",
    }
    assert [each["name"] for each in metadata["tools"]["components"]] == ["pystatic-tasks"]
    assert (metadata["lifecycles"], metadata["supplier"]) == ([{"phase": "build"}], ADA)
    assert "manufacturer" not in metadata


def test_it_is_made_in_the_name_of_whom_the_configuration_names(built: Built, components: list[Component]) -> None:
    document = json.loads(write_cyclonedx(replace(built, vendor="Shop Inc."), components))
    assert document["metadata"]["manufacturer"] == {"name": "Shop Inc."}


def test_it_says_who_supplies_a_component_and_who_made_it(document: dict[str, Any]) -> None:
    found = by_url(document)
    assert found[DEP]["supplier"] == {"name": "Big Inc.", "contact": [{"email": "dep@big.example"}]}
    assert found[DEP]["authors"] == [{"name": "Grace Hopper"}]
    (package,) = (each for each in document["components"] if each["name"] == "libssl3")
    assert package["manufacturer"] == {"name": "The OpenSSL Project"}
    assert package["copyright"].splitlines()[1] == "1995-1998, Eric A. Young, Tim J. Hudson"
    assert not {"supplier", "authors", "manufacturer", "copyright"} & set(found[GUNICORN])


def test_a_systems_package_names_its_source(document: dict[str, Any], components: list[Component]) -> None:
    (package,) = (each for each in document["components"] if each["name"] == "libssl3")
    assert package["properties"] == [
        {"name": "aquasecurity:trivy:SrcName", "value": "openssl"},
        {"name": "aquasecurity:trivy:SrcVersion", "value": "3.0.19-1"},
    ]
    assert package["hashes"] == [{"alg": "SHA-256", "content": components[0].hash}]
    (system,) = (each for each in document["components"] if each["type"] == "operating-system")
    assert (system["name"], system["version"]) == ("debian", "12")


def test_python_has_its_name_in_the_vulnerability_database(document: dict[str, Any]) -> None:
    python = by_url(document)["pkg:generic/python@3.13.0"]
    assert python["cpe"] == "cpe:2.3:a:python:python:3.13.0:*:*:*:*:*:*:*"
    assert python["licenses"] == [{"license": {"acknowledgement": "concluded", "id": "Python-2.0.1"}}]


def test_files_are_told_in_order(document: dict[str, Any]) -> None:
    occurrences = by_url(document)[DEP]["evidence"]["occurrences"]
    assert occurrences == [{"location": "/opt/a.pyc"}, {"location": "/opt/b.pyc"}]
    assert "evidence" not in by_url(document)[GUNICORN]


def test_a_licence_is_one_of_spdx_or_a_name_or_an_expression(document: dict[str, Any], built: Built) -> None:
    choice = {"expression": "MIT OR Apache-2.0", "acknowledgement": "concluded"}
    assert by_url(document)[GUNICORN]["licenses"] == [choice]
    assert by_url(document)[DEP]["licenses"][0]["expression"] == (
        "MIT AND LicenseRef-pypi-Big-Dep-Gr-e-s-own AND (ISC OR MIT)"
    )
    odd = Component(kind="distribution", type="pypi", name="x", licenses=("Größe's own",))
    found = by_url(json.loads(write_cyclonedx(built, [odd])))["pkg:pypi/x"]
    assert found["licenses"] == [{"license": {"name": "Größe's own", "acknowledgement": "concluded"}}]


def test_it_is_valid_whatever_a_wheel_brings(built: Built, odd_components: list[Component]) -> None:
    text = write_cyclonedx(replace(built, vendor=odd_components[0].supplier), odd_components)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_image_needs_what_nothing_else_needs(document: dict[str, Any]) -> None:
    needs = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    assert needs[SHOP] == [DEP]
    assert needs[DEP] == [LIBM]
    image = needs[document["metadata"]["component"]["bom-ref"]]
    assert not {DEP, LIBM} & set(image)
    assert {SHOP, GUNICORN, "debian-12"} <= set(image)
    assert set(needs) == {each["bom-ref"] for each in [*document["components"], document["metadata"]["component"]]}
