from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from support import COMPONENTS, REPOSITORY

from pystatic_tasks.bom import components as module
from pystatic_tasks.bom import system_files
from pystatic_tasks.bom.components import (
    LICENSES,
    MAKES_CERTIFICATES,
    VENDOR,
    built_with,
    counted,
    image_components,
    merged,
    our_component,
    without_credentials,
)
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.in_env.records import from_json, to_json

PACKAGE = Component(kind="system", type="deb", namespace="debian", name="tzdata", version="2026f")
LIBRARY = Component(kind="system", type="deb", name="libx1", version="1", libraries={"libx.so": "a" * 64})


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch) -> dict[str, Component]:
    """The packages of this machine's files, to be filled in."""
    known: dict[str, Component] = {}
    monkeypatch.setattr(
        system_files, "packages_of", lambda paths: {path: known[path] for path in [*paths] if path in known}
    )
    return known


def files(components: list[Component]) -> dict[str, tuple[str, ...]]:
    return {each.name: each.files for each in components if each.files}


def test_components_come_back_from_a_manifest_as_they_were(components: list[Component]) -> None:
    assert [from_json(Component, json.loads(json.dumps(to_json(each)))) for each in components] == components


def test_only_what_is_known_need_be_written_down() -> None:
    found = from_json(Component, {"kind": "file", "type": "generic", "name": "libx.so"})
    assert found == Component(kind="file", type="generic", name="libx.so")


# What is added to the program.


def test_files_that_are_written_are_ours(packaged: dict[str, Component]) -> None:
    found = image_components(COMPONENTS, {"/etc/passwd": None, "/etc/group": None}, Path("/home/shop"), {})
    assert files(found) == {"shop": ("/shop",), "pystatic-tasks": ("/etc/group", "/etc/passwd")}


def test_the_projects_files_are_its_own(packaged: dict[str, Component]) -> None:
    added = {"/etc/motd": Path("/home/shop/motd"), "/opt/x": Path("/opt/x")}
    found = image_components(COMPONENTS, added, Path("/home/shop"), {})
    assert files(found) == {"shop": ("/etc/motd", "/opt/x", "/shop")}


def test_time_zones_belong_to_their_package(packaged: dict[str, Component]) -> None:
    packaged["/usr/share/zoneinfo/UTC"] = PACKAGE
    found = image_components(COMPONENTS, {"/zone": Path("/usr/share/zoneinfo/UTC")}, Path("/home/shop"), {})
    assert files(found)["tzdata"] == ("/zone",)


def test_a_bundle_of_authorities_belongs_to_what_made_it(packaged: dict[str, Component]) -> None:
    packaged[MAKES_CERTIFICATES] = replace(PACKAGE, name="ca-certificates")
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    found = image_components(COMPONENTS, {str(bundle): bundle}, Path("/home/shop"), {})
    assert files(found)["ca-certificates"] == (str(bundle),)


def test_a_bundle_of_authorities_that_nobody_made_is_known_by_its_content(
    packaged: dict[str, Component], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "hash_file", lambda path: "b" * 64)
    bundle = Path("/etc/ssl/cert.pem")
    found = image_components(COMPONENTS, {str(bundle): bundle}, Path("/home/shop"), {})
    (made,) = (each for each in found if each.kind == "file")
    assert (made.name, made.hash, made.files) == ("cert.pem", "b" * 64, (str(bundle),))


def test_each_component_is_there_once() -> None:
    other = replace(LIBRARY, libraries={"liby.so": "b" * 64}, files=("/b",))
    found = merged([replace(LIBRARY, files=("/c", "/a")), replace(LIBRARY, version="2"), other])
    assert [(each.version, each.files) for each in found] == [("1", ("/a", "/b", "/c")), ("2", ())]
    assert list(found[0].libraries) == ["libx.so", "liby.so"]


def test_what_is_built_into_several_distributions_is_there_once() -> None:
    library = Component(kind="bundled", type="rpm", namespace="almalinux", name="libgcc", version="8.5")
    (found,) = merged([replace(library, inside=("scipy",)), replace(library, inside=("numpy",))])
    assert found.inside == ("numpy", "scipy")


# Whose the project is.


@pytest.mark.parametrize(
    ("labels", "supplier", "originator", "licenses"),
    [
        ({}, "Ada <ada@shop.example>", "", ("MIT",)),
        ({VENDOR: "Shop Inc."}, "Shop Inc.", "Ada <ada@shop.example>", ("MIT",)),
        ({LICENSES: "LicenseRef-Shop"}, "Ada <ada@shop.example>", "", ("LicenseRef-Shop",)),
    ],
)
def test_labels_say_who_supplies_the_project_and_by_which_licence(
    packaged: dict[str, Component],
    labels: dict[str, str],
    supplier: str,
    originator: str,
    licenses: tuple[str, ...],
) -> None:
    project = Component(
        kind="project", type="generic", name="shop", supplier="Ada <ada@shop.example>", licenses=("MIT",)
    )
    (found,) = image_components([project], {}, Path("/home/shop"), labels)
    assert (found.supplier, found.originator, found.licenses) == (supplier, originator, licenses)


# What a component says of itself.


def test_what_stands_before_a_host_in_the_texts_of_a_component_is_hidden() -> None:
    secret, public = "of https://ada:open sesame@shop.example/x", "of https://***@shop.example/x"

    def component(text: str) -> Component:
        return Component(
            kind="project",
            type="generic",
            name=f"shop {text}",
            version=text,
            licenses=("MIT", text),
            supplier=text,
            originator=text,
            copyright=f"(c) Ada\n(c) {text}",
        )

    assert without_credentials(component(secret)) == component(public)


def test_a_package_with_one_library_has_its_hash() -> None:
    assert LIBRARY.hash == "a" * 64


def test_a_package_with_several_libraries_has_the_hash_of_their_list() -> None:
    several = replace(LIBRARY, libraries={"liby.so": "b" * 64, "libx.so": "a" * 64})
    lines = f"{'a' * 64}  libx.so\n{'b' * 64}  liby.so\n"
    assert several.hash == hashlib.sha256(lines.encode()).hexdigest()


def test_what_is_not_hashed_has_no_hash() -> None:
    assert replace(LIBRARY, libraries={}).hash == ""


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        ({}, ("libx1", "1")),
        ({"upstream": "x"}, ("x", "1")),
        ({"upstream": "x@0.9"}, ("x", "0.9")),
    ],
)
def test_a_package_was_made_of_a_source(upstream: dict[str, str], expected: tuple[str, str]) -> None:
    assert replace(LIBRARY, qualifiers=upstream).upstream == expected


def test_kinds_are_counted_in_words(components: list[Component]) -> None:
    assert counted(components) == (
        "1 project, 2 Python distributions, 1 library built into these, 1 interpreter, 1 system package, "
        "1 library of no package"
    )
    assert counted(components[:1] * 3) == "3 system packages"


def test_our_own_component_is_that_of_the_package() -> None:
    ours = our_component()
    assert (ours.type, ours.name, ours.licenses) == ("pypi", "pystatic-tasks", ("MIT",))
    assert ours.copyright in (REPOSITORY / "LICENSE").read_text(encoding="utf-8").splitlines()


def test_what_cannot_be_pinned_is_told(components: list[Component]) -> None:
    assert to_json(built_with(components, {"strip": "GNU strip 2.40", "patchelf": "0.19"})) == {
        "interpreter": {"name": "python", "version": "3.13.0", "sha256": "a" * 64},
        "system": [
            {
                "type": "deb",
                "name": "libssl3",
                "version": "3.0.19-1+b1",
                "libraries": {"libcrypto.so.3": "c" * 64, "libssl.so.3": "d" * 64},
            },
            {"type": "generic", "name": "libx.so", "version": "", "libraries": {}},
        ],
        "tools": {"patchelf": "0.19", "strip": "GNU strip 2.40"},
    }
