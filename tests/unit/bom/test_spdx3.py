from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from pystatic_tasks.bom.spdx3 import write_spdx3
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.steps.results import Built

Elements = Mapping[str, Mapping[str, Any]]


@pytest.fixture
def text(built: Built, components: list[Component]) -> str:
    return write_spdx3(built, components)


@pytest.fixture
def elements(text: str) -> Elements:
    return read(text)


def read(text: str) -> Elements:
    """The elements by their identifiers."""
    return {each["spdxId"]: each for each in json.loads(text)["@graph"] if "spdxId" in each}


def of_type(elements: Elements, kind: str) -> list[Mapping[str, Any]]:
    return [each for each in elements.values() if each["type"] == kind]


def package(elements: Elements, name: str) -> Mapping[str, Any]:
    *_, found = (each for each in of_type(elements, "software_Package") if each["name"] == name)
    return found


def license_of(elements: Elements, name: str, kind: str = "hasConcludedLicense") -> str:
    key = package(elements, name)["spdxId"]
    relations = of_type(elements, "Relationship")
    (target,) = next(each["to"] for each in relations if (each["from"], each["relationshipType"]) == (key, kind))
    return str(elements[target]["simplelicensing_licenseExpression"]) if target in elements else target


def by_the_official_model(text: str) -> Any:
    """The elements as SPDX's own library reads them; it takes nothing that is not as it must be."""
    model = pytest.importorskip("spdx_python_model.bindings.v3_0_1", reason="spdx-python-model is not installed")
    objects = model.SHACLObjectSet()
    model.JSONLDDeserializer().read(io.BytesIO(text.encode()), objects)
    assert objects.missing_ids == set()
    return objects.foreach_type(model.software_Package)


def test_the_official_model_reads_it(text: str) -> None:
    assert len(list(by_the_official_model(text))) == 9


def test_it_is_valid_whatever_a_wheel_brings(built: Built, odd_components: list[Component]) -> None:
    text = write_spdx3(replace(built, vendor=odd_components[0].supplier), odd_components)
    assert len(list(by_the_official_model(text))) == len(odd_components) + 1


def test_it_is_the_same_every_time(built: Built, components: list[Component], text: str) -> None:
    assert write_spdx3(built, components) == text


def test_it_is_of_the_image_and_was_made_by_a_build(elements: Elements, text: str) -> None:
    (document,) = of_type(elements, "SpdxDocument")
    (bom,) = of_type(elements, "software_Sbom")
    (image,) = (elements[each] for each in bom["rootElement"])
    assert (document["rootElement"], bom["software_sbomType"]) == ([bom["spdxId"]], ["build"])
    assert (image["name"], image["software_primaryPurpose"]) == ("shop", "container")
    assert image["verifiedUsing"] == [{"type": "Hash", "algorithm": "sha256", "hashValue": "1" * 64}]
    assert set(document["element"]) == set(elements) - {document["spdxId"]}
    (creation,) = (each for each in json.loads(text)["@graph"] if each["type"] == "CreationInfo")
    assert creation["created"] == "2024-05-06T07:08:09Z"
    assert elements[creation["createdBy"][0]]["type"] == "SoftwareAgent"


def test_it_is_made_in_the_name_of_whom_the_configuration_names(built: Built, components: list[Component]) -> None:
    found = read(write_spdx3(replace(built, vendor="Shop Inc."), components))
    assert "Shop Inc." in {each["name"] for each in of_type(found, "Organization")}
    assert of_type(found, "SoftwareAgent") == []


def test_it_says_who_supplies_a_component_and_who_made_it(elements: Elements) -> None:
    found = package(elements, "Big_Dep")
    supplier, (originator,) = elements[found["suppliedBy"]], (elements[each] for each in found["originatedBy"])
    address = {"type": "ExternalIdentifier", "externalIdentifierType": "email", "identifier": "dep@big.example"}
    assert (supplier["type"], supplier["name"], supplier["externalIdentifier"]) == (
        "Organization",
        "Big Inc.",
        [address],
    )
    assert (originator["type"], originator["name"]) == ("Person", "Grace Hopper")
    assert "suppliedBy" not in package(elements, "gunicorn")


def test_licences_and_copyright_are_told_or_unknown(elements: Elements) -> None:
    assert license_of(elements, "libm") == license_of(elements, "libm", "hasDeclaredLicense") == "MIT OR Apache-2.0"
    assert license_of(elements, "libx.so") == "expandedlicensing_NoAssertionLicense"
    assert license_of(elements, "debian") == "expandedlicensing_NoneLicense"
    copyrights = {name: package(elements, name)["software_copyrightText"] for name in ("gunicorn", "debian")}
    assert copyrights == {"gunicorn": "NOASSERTION", "debian": "NONE"}


def test_a_licence_that_is_none_of_spdx_is_explained(elements: Elements) -> None:
    expressions = of_type(elements, "simplelicensing_LicenseExpression")
    (odd,) = (each for each in expressions if "Big-Dep" in each["simplelicensing_licenseExpression"])
    (entry,) = odd["simplelicensing_customIdToUri"]
    assert entry["key"] == "LicenseRef-pypi-Big-Dep-Gr-e-s-own"
    explained = elements[entry["value"]]["simplelicensing_licenseText"]
    assert explained == 'What Big_Dep 2.0 calls "Größe\'s own" in its metadata and licence files.'


def test_what_is_inside_and_what_is_needed_is_related(elements: Elements) -> None:
    related = {
        (elements[each["from"]]["name"], each["relationshipType"]): [elements[other]["name"] for other in each["to"]]
        for each in of_type(elements, "Relationship")
        if "License" not in each["relationshipType"]
    }
    assert related.pop(("shop", "contains")) == [
        *("libssl3", "libx.so", "python", "shop", "Big_Dep", "gunicorn", "debian")
    ]
    assert related == {("shop", "dependsOn"): ["Big_Dep"], ("Big_Dep", "contains"): ["libm"]}
