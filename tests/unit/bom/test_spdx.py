from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.steps.results import Built

pytest.importorskip("spdx_tools", reason="pystatic-tasks[spdx] is not installed")
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from pystatic_tasks.bom.spdx import write_spdx


@pytest.fixture
def text(built: Built, components: list[Component]) -> str:
    return write_spdx(built, components)


@pytest.fixture
def packages(text: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(text)["packages"][1:]}


def test_it_is_valid_by_its_librarys_validator(text: str, tmp_path: Path) -> None:
    (tmp_path / "sbom.spdx.json").write_text(text, encoding="utf-8")
    assert validate_full_spdx_document(parse_file(str(tmp_path / "sbom.spdx.json"))) == []


def test_it_is_valid_whatever_a_wheel_brings(built: Built, odd_components: list[Component], tmp_path: Path) -> None:
    text = write_spdx(replace(built, vendor=odd_components[0].supplier), odd_components)
    (tmp_path / "sbom.spdx.json").write_text(text, encoding="utf-8")
    assert validate_full_spdx_document(parse_file(str(tmp_path / "sbom.spdx.json"))) == []


def test_it_is_the_same_every_time(built: Built, components: list[Component], text: str) -> None:
    assert write_spdx(built, components) == text


def test_it_is_of_the_image(text: str) -> None:
    document = json.loads(text)
    (first, *others) = document["packages"]
    assert (first["name"], first["versionInfo"], first["primaryPackagePurpose"]) == ("shop", "1.4", "CONTAINER")
    assert document["creationInfo"]["created"] == "2024-05-06T07:08:09Z"
    assert document["creationInfo"]["comment"] == "SBOM Type: Build"
    assert document["creationInfo"]["creators"] == [f"Tool: pystatic-tasks-{version('pystatic-tasks')}"]
    names = {each["SPDXID"]: each["name"] for each in document["packages"]}
    relations = {
        (names.get(each["spdxElementId"]), each["relationshipType"], names[each["relatedSpdxElement"]])
        for each in document["relationships"]
    }
    assert {each for each in relations if each[0] != "shop" or each[1] != "CONTAINS"} == {
        (None, "DESCRIBES", "shop"),
        ("shop", "DEPENDS_ON", "Big_Dep"),
        ("Big_Dep", "CONTAINS", "libm"),
    }
    inside = {other for name, kind, other in relations if (name, kind) == ("shop", "CONTAINS")}
    assert inside == {each["name"] for each in others} - {"libm"}


def test_it_is_made_in_the_name_of_whom_the_configuration_names(built: Built, components: list[Component]) -> None:
    document = json.loads(write_spdx(replace(built, vendor="Shop Inc."), components))
    assert document["creationInfo"]["creators"][1:] == ["Organization: Shop Inc."]


def test_it_says_who_supplies_a_component_and_who_made_it(packages: dict[str, dict[str, Any]]) -> None:
    assert packages["Big_Dep"]["supplier"] == "Organization: Big Inc. (dep@big.example)"
    assert packages["Big_Dep"]["originator"] == "Person: Grace Hopper"
    assert packages["libm"]["supplier"] == "Person: Jorge Aparicio"
    assert packages["gunicorn"]["supplier"] == "NOASSERTION"
    assert packages["debian"]["supplier"] == "Organization: debian"


def test_copyright_is_told_or_none_or_unknown(packages: dict[str, dict[str, Any]]) -> None:
    assert packages["python"]["copyrightText"] == "Copyright (c) 2001-2024 Python Software Foundation."
    assert packages["debian"]["copyrightText"] == "NONE"
    assert packages["gunicorn"]["copyrightText"] == "NOASSERTION"


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


def test_a_licence_that_is_none_of_spdx_is_explained(text: str, packages: dict[str, dict[str, Any]]) -> None:
    key = "LicenseRef-pypi-Big-Dep-Gr-e-s-own"
    assert packages["Big_Dep"]["licenseDeclared"] == f"MIT AND {key} AND (ISC OR MIT)"
    assert packages["Big_Dep"]["licenseConcluded"] == packages["Big_Dep"]["licenseDeclared"]
    assert packages["Big_Dep"]["licenseComments"] == "MIT License; Größe's own; ISC OR MIT"
    assert "licenseComments" not in packages["gunicorn"]
    explained = {each["licenseId"]: each["extractedText"] for each in json.loads(text)["hasExtractedLicensingInfos"]}
    assert explained[key] == 'What Big_Dep 2.0 calls "Größe\'s own" in its metadata and licence files.'


def test_a_licence_that_nobody_names_is_unknown(packages: dict[str, dict[str, Any]]) -> None:
    assert {packages[name]["licenseConcluded"] for name in ("libx.so", "shop")} == {"NOASSERTION"}
    assert packages["debian"]["licenseConcluded"] == "NONE"
