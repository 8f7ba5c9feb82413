from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import shutil
import sys
import sysconfig
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from support import install_distribution

pytest.importorskip("elftools", reason="pyelftools is not installed")

from pystatic_tasks.in_env.attribution import components
from pystatic_tasks.in_env.protocol import Component, Own

pytestmark = pytest.mark.usefixtures("nothing_installed")
STDLIB = Path(sysconfig.get_path("stdlib"))
INTERPRETER = Path(sys.executable).resolve()
RUNNER = Component(kind="distribution", type="pypi", name="pystatic-tasks", version="0.1.0")
PROJECT = Component(kind="project", type="generic", name="shopx", version="1.4")
Install = Callable[..., None]
Found = Callable[..., dict[str, Component]]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a distribution with these files, from a folder or elsewhere."""
    site = tmp_path / "site-packages"
    monkeypatch.syspath_prepend(site)
    return partial(install_distribution, site)


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """The components of files that were made of these, by name; each file is called as what it was made of."""

    def found(*origins: object) -> dict[str, Component]:
        own = Own(project=PROJECT, runner=RUNNER, folder=str(tmp_path / "project"))
        members = [components.Member(f"/x{each}", str(each)) for each in origins]
        made = components.components(members, own, INTERPRETER)
        assert sorted(file for each in made for file in each.files) == sorted(member.location for member in members)
        return {each.name: each for each in made}

    return found


# Whose a file is.


def test_an_installed_file_belongs_to_its_distribution(found: Found, install: Install) -> None:
    install("depx", "depx/__init__.py", "depx/_c.abi3.so", "depx.libs/libz.so.1", requires=["othery>=1"])
    install("othery", "othery.py")
    made = found("depx/__init__.pyc", "depx/_c.abi3.so", "depx.libs/libz.so.1", "othery", "depx")
    assert set(made) == {"depx", "othery", "python"}
    assert len(made["depx"].files) == 4
    assert (made["depx"].kind, made["depx"].type) == ("distribution", "pypi")
    assert (made["depx"].version, made["depx"].requires) == ("1.0", ("othery",))
    # What a wheel brings is part of it.
    assert made["depx"].libraries == {}


def test_metadata_is_read_as_often_for_many_files_as_for_one(
    found: Found, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [f"depx/part_{number}.py" for number in range(50)]
    install("depx", *files)
    read_text, read = importlib.metadata.PathDistribution.read_text, []

    def noted(self: importlib.metadata.PathDistribution, name: str) -> str | None:
        read.append(name)
        return read_text(self, name)

    monkeypatch.setattr(importlib.metadata.PathDistribution, "read_text", noted)
    found(files[0])
    of_one = read.count("METADATA")
    read.clear()
    assert len(found(*files)["depx"].files) == len(files)
    assert 0 < read.count("METADATA") <= of_one


def test_the_project_is_as_it_is_installed(found: Found, install: Install) -> None:
    install("ShopX", "shopx/web.py", origin="file:///home/größe/shop")
    made = found("shopx/web.pyc", "nobodys.pyc", "/nowhere/settings.json")
    assert set(made) == {"ShopX", "python"}
    assert (made["ShopX"].kind, made["ShopX"].type, made["ShopX"].version) == ("project", "generic", "1.0")


def test_what_nobody_brought_is_the_projects(found: Found, tmp_path: Path) -> None:
    made = found("shopx-entry.pyc", tmp_path / "project" / "fast.so", "/nowhere/page.html")
    assert set(made) == {"shopx", "python"}
    assert (made["shopx"].kind, made["shopx"].version) == ("project", "1.4")


def test_another_project_of_this_machine_is_not_that_of_an_index(found: Found, install: Install) -> None:
    install("libraryx", "libraryx.py", origin="file:///home/libraryx")
    assert (found("libraryx.pyc")["libraryx"].kind, found("libraryx.pyc")["libraryx"].type) == (
        "distribution",
        "generic",
    )


def test_a_project_that_is_not_installed_has_the_copyright_in_its_folder(found: Found, tmp_path: Path) -> None:
    web = tmp_path / "project" / "web.py"
    web.parent.mkdir()
    web.write_text("# Copyright 2021 Bob\n", encoding="utf-8")
    assert found(web)["shopx"].copyright == "Copyright 2021 Bob"
    (web.parent / "LICENSE").write_text("Copyright (c) 2020 Ada\n", encoding="utf-8")
    assert found(web)["shopx"].copyright == "Copyright (c) 2020 Ada"


def test_what_a_distribution_says_is_built_into_it_is_there(found: Found, install: Install, tmp_path: Path) -> None:
    install("depx", "depx/__init__.py", "depx-1.0.dist-info/sboms/x.cdx.json", "depx-1.0.dist-info/sboms/odd.xml")
    install("othery", "othery.py", "othery-1.0.dist-info/sboms/x.cdx.json")
    listed = json.dumps({"bomFormat": "CycloneDX", "components": [{"name": "libz", "version": "1.3"}]})
    for name in ("depx", "othery"):
        sboms = tmp_path / "site-packages" / f"{name}-1.0.dist-info" / "sboms"
        (sboms / "x.cdx.json").write_text(listed, encoding="utf-8")
    made = found("depx/__init__.pyc")
    assert (made["libz"].kind, made["libz"].version, made["libz"].inside) == ("bundled", "1.3", ("depx",))
    assert made["depx"].unread == ("sboms/odd.xml",)


def test_the_server_is_ours(found: Found) -> None:
    assert set(found("pystatic_runner", "pystatic_runner/server.pyc")) == {"pystatic-tasks", "python"}


def test_a_library_of_no_package_is_known_by_its_content(found: Found, tmp_path: Path) -> None:
    library = tmp_path / "libx.so.1.2"
    library.write_bytes(b"x")
    digest = hashlib.sha256(b"x").hexdigest()
    (tmp_path / "libx.so.1").symlink_to(library)
    made = found(tmp_path / "libx.so.1")["libx.so.1"]
    assert (made.kind, made.type, made.version, made.sha256) == ("file", "generic", "", digest)
    assert made.qualifiers == {"checksum": f"sha256:{digest}"}
    assert made.libraries == {"libx.so.1.2": digest}


def test_a_library_of_a_package_is_hashed_as_it_is_on_the_machine(
    found: Found, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = Component(kind="system", type="deb", name="libx1", version="1.2-3")
    library = tmp_path / "libx.so.1"
    library.write_bytes(b"x")
    monkeypatch.setattr(components, "packages_of", lambda paths: {str(library): package})
    made = found(library)["libx1"]
    assert made.libraries == {"libx.so.1": hashlib.sha256(b"x").hexdigest()}


# Python.


def test_python_is_there_whosever_its_files_are(found: Found) -> None:
    made = found()
    python = made["python"]
    assert (python.kind, python.version, python.files) == ("interpreter", sys.version.split()[0], ())
    assert python.supplier == "Python Software Foundation"
    assert python.copyright.splitlines()[0].endswith("Python Software Foundation.")
    assert python.sha256 == hashlib.sha256(INTERPRETER.read_bytes()).hexdigest()


def test_python_is_known_by_its_shared_library_where_it_has_one(found: Found, tmp_path: Path) -> None:
    library = tmp_path / "libpython3.13.so.1.0"
    library.write_bytes(b"x")
    python = found(library, STDLIB / "os.py", INTERPRETER)["python"]
    assert python.sha256 == hashlib.sha256(b"x").hexdigest()
    assert f"/x{library}" in python.files


def test_python_of_no_package_has_a_name_in_the_vulnerability_database(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(components, "packages_of", lambda paths: {})
    monkeypatch.setattr(platform, "python_version", lambda: "3.13.0")
    made = found(STDLIB / "os.py")["python"]
    assert (made.cpe, len(made.files)) == ("cpe:2.3:a:python:python:3.13.0:*:*:*:*:*:*:*", 1)
    monkeypatch.setattr(platform, "python_version", lambda: "3.14.0rc1")
    assert found(STDLIB / "os.py")["python"].cpe == "cpe:2.3:a:python:python:3.14.0:rc1:*:*:*:*:*:*"


def test_the_packages_of_a_systems_python_are_what_counts(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    package = Component(kind="system", type="deb", name="libpython-stdlib", version="3.13.0-1")
    monkeypatch.setattr(components, "packages_of", lambda paths: dict.fromkeys(paths, package))
    made = found(STDLIB / "os.py")
    assert (made["libpython-stdlib"].files, made["python"].files) == ((f"/x{STDLIB}/os.py",), ())
    assert made["python"].cpe == ""
    assert made["libpython-stdlib"].libraries == {}


# What a member was made of.


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("shop/web", "/home/shop/web.py", "/home/shop/web.py"),
        ("depx/x.so", f"{sysconfig.get_path('purelib')}/depx/x.so", "depx/x.so"),
        ("libz.so.1", "/lib/x86_64-linux-gnu/libz.so.1", "/lib/x86_64-linux-gnu/libz.so.1"),
        ("libz.so.1", "depx.libs/libz.so.1", "depx.libs/libz.so.1"),
        ("depx/libz.so", "../depx.libs/libz.so", "depx.libs/libz.so"),
        ("acme", "-", "acme"),
        ("struct", "/build/localpycs/struct.pyc", f"{STDLIB}/struct.py"),
        ("depx/web.pyc", "/build/localpycs/depx/web.pyc", "depx/web.pyc"),
        ("base_library.zip", "/build/base_library.zip", f"{STDLIB}/base_library.zip"),
        ("pystatic_runner/server", "/build/pystatic_runner/server.py", "pystatic_runner/server"),
    ],
)
def test_a_member_is_traced_to_what_it_was_made_of(name: str, source: str, expected: str) -> None:
    assert components.origin(name, source) == expected


def test_every_member_of_a_program_has_a_place() -> None:
    names = {"pyimod01_archive": [], "libz.so.1": [], "PYZ.pyz": ["shop", "shop.web"]}
    sources = {"libz.so.1": "/lib/libz.so.1", "shop": "/home/shop/__init__.py", "shop.web": "/home/shop/web.py"}
    made = components.archive_members("/shop!/shop", names, sources)
    assert {member.location: member.origin for member in made} == {
        "/shop!/shop": "PyInstaller/__init__.py",
        "/shop!/shop!/pyimod01_archive": "PyInstaller/loader/pyimod01_archive.py",
        "/shop!/shop!/libz.so.1": "/lib/libz.so.1",
        "/shop!/shop!/PYZ.pyz": "PyInstaller/__init__.py",
        "/shop!/shop!/PYZ.pyz!/shop": "/home/shop/__init__.py",
        "/shop!/shop!/PYZ.pyz!/shop.web": "/home/shop/web.py",
    }


def test_every_file_of_a_tree_has_an_origin(tmp_path: Path) -> None:
    library = Path("usr/local/lib/python3.13")
    packages = library / "site-packages"
    files = {
        "usr/local/bin/python3.13": str(INTERPRETER),
        f"{library}/os.pyc": f"{STDLIB}/os.py",
        f"{library}/lib-dynload/x.so": f"{STDLIB}/lib-dynload/x.so",
        f"{packages}/depx/web.pyc": "depx/web.pyc",
        "usr/local/share/lab/x.html": "../../../share/lab/x.html",
        "lib/libpython3.13.so.1.0": "/opt/lib/libpython3.13.so.1.0",
        "lib64/nowhere-else.so": "/lib64/nowhere-else.so",
        "shop": "pystatic_runner",
    }
    for path in files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / packages / "libz.so").symlink_to("depx.libs/libz.so")
    sources = {"libpython3.13.so.1.0": "/opt/lib/libpython3.13.so.1.0"}
    made = components.tree_members(tmp_path, tmp_path / library, tmp_path / packages, sources, INTERPRETER)
    assert {member.location.removeprefix("/"): member.origin for member in made} == {
        **files,
        f"{packages}/libz.so": "depx.libs/libz.so",
    }


def test_what_staticx_adds_is_its_own_or_the_systems(install: Install, tmp_path: Path) -> None:
    install("staticx", "staticx/__init__.py")
    (tmp_path / "libx.so").write_bytes(b"x")
    members = [
        components.Member("/shop", "staticx/__init__.py"),
        components.Member("/shop!/libx.so", str(tmp_path / "libx.so")),
    ]
    made = components.added_components(members)
    assert [(each.name, each.files) for each in made] == [("libx.so", ("/shop!/libx.so",)), ("staticx", ("/shop",))]


# What a distribution says of itself.


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: x", ["MIT OR Apache-2.0"]),
        ("License: BSD-3-Clause\nClassifier: License :: OSI Approved :: BSD License", ["BSD-3-Clause"]),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License", ["MIT License"]),
        (f"License: {'All of it. ' * 20}", []),
        (
            "Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: OSI Approved :: ISC License",
            ["ISC License", "MIT License"],
        ),
        ("Classifier: Topic :: Games", []),
    ],
)
def test_a_licence_is_read_from_the_newest_field_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, expected: list[str]
) -> None:
    info = tmp_path / "depx-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: depx\nVersion: 1.0\n{lines}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert components.licenses(importlib.metadata.distribution("depx")) == tuple(expected)


def test_requirements_are_those_that_hold_here(install: Install) -> None:
    needs = ["Foo_Bar>=1", 'old; python_version < "3"', 'extra-only; extra == "x"', "not a requirement at all!"]
    install("depx", requires=needs)
    assert components.requirements(importlib.metadata.distribution("depx")) == ("foo-bar",)


def test_a_distribution_has_one_hash_whoever_installed_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = {
        "a": "x.py,sha256=abc,1\nx-1.0.dist-info/METADATA,sha256=def,1\n",
        "b": "x-1.0.dist-info/METADATA,sha256=def,1\nx.py,sha256=abc,1\n../../../bin/x,sha256=other,1\n"
        "x-1.0.dist-info/INSTALLER,sha256=pip,4\n__pycache__/x.cpython-313.pyc,,\nx-1.0.dist-info/RECORD,,\n",
    }
    found = []
    for name, lines in record.items():
        info = tmp_path / name / "x-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Name: x\nVersion: 1.0\n", encoding="utf-8")
        (info / "RECORD").write_text(lines, encoding="utf-8")
        for file in ("x.py", "__pycache__/x.cpython-313.pyc", "x-1.0.dist-info/INSTALLER"):
            (info.parent / file).parent.mkdir(exist_ok=True)
            (info.parent / file).touch()
        distribution = importlib.metadata.PathDistribution(info)
        found.append(components.hash_of_record(distribution))
    expected = hashlib.sha256(b"abc  x.py\ndef  x-1.0.dist-info/METADATA\n").hexdigest()
    assert found == [expected, expected]


def test_a_distribution_without_a_record_has_no_hash(tmp_path: Path) -> None:
    info = tmp_path / "x-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: x\nVersion: 1.0\n", encoding="utf-8")
    assert components.hash_of_record(importlib.metadata.PathDistribution(info)) == ""


def test_strip_says_its_version() -> None:
    if not shutil.which("strip"):
        pytest.skip("strip is not there")
    assert "strip" in components.tool_versions()["strip"]
