from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.steps.results import Built

pytest.importorskip("spdx_tools", reason="pystatic-tasks[spdx] is not installed")
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from pystatic_tasks.bom.spdx import license_expression, write_spdx


@pytest.fixture
def text(built: Built, components: list[Component]) -> str:
    return write_spdx(built, components)


@pytest.fixture
def packages(text: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(text)["packages"]}


def test_it_is_valid_by_its_librarys_validator(text: str, tmp_path: Path) -> None:
    (tmp_path / "sbom.spdx.json").write_text(text, encoding="utf-8")
    assert validate_full_spdx_document(parse_file(str(tmp_path / "sbom.spdx.json"))) == []


def test_it_is_the_same_every_time(built: Built, components: list[Component], text: str) -> None:
    assert write_spdx(built, components) == text


def test_it_is_of_the_image(text: str) -> None:
    document = json.loads(text)
    (first, *others) = document["packages"]
    assert (first["name"], first["versionInfo"], first["primaryPackagePurpose"]) == ("shop", "1.4", "CONTAINER")
    assert document["creationInfo"]["created"] == "2024-05-06T07:08:09Z"
    inside = [
        each["relatedSpdxElement"] for each in document["relationships"] if each["spdxElementId"] == first["SPDXID"]
    ]
    assert inside == [each["SPDXID"] for each in others]


def test_a_component_has_its_names_and_its_hash(packages: dict[str, dict[str, Any]]) -> None:
    python = packages["python"]
    assert [each["referenceLocator"] for each in python["externalRefs"]] == [
        "pkg:generic/python@3.13.0",
        "cpe:2.3:a:python:python:3.13.0:*:*:*:*:*:*:*",
    ]
    assert python["checksums"] == [{"algorithm": "SHA256", "checksumValue": "a" * 64}]
    assert python["licenseDeclared"] == "Python-2.0.1"


def test_a_systems_package_names_its_source(packages: dict[str, dict[str, Any]]) -> None:
    assert packages["libssl3"]["sourceInfo"] == "built package from: openssl 3.0.19-1"
    assert packages["debian"]["primaryPackagePurpose"] == "OPERATING_SYSTEM"


def test_a_licence_that_is_none_of_spdx_is_a_comment(packages: dict[str, dict[str, Any]]) -> None:
    assert packages["Big_Dep"]["licenseDeclared"] == "NOASSERTION"
    assert packages["Big_Dep"]["licenseComments"] == "MIT; Größe's own; ISC OR MIT"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["MIT"], "MIT"),
        (["MIT", "Apache-2.0 OR ISC"], "MIT AND (Apache-2.0 OR ISC)"),
        (["BSD License"], "NOASSERTION"),
        (["(broken"], "NOASSERTION"),
        ([], "NOASSERTION"),
    ],
)
def test_several_licences_hold_together(names: list[str], expected: str) -> None:
    assert str(license_expression(names)) == expected
