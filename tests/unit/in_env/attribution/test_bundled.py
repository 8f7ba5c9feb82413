from __future__ import annotations

import importlib.metadata
import json
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pystatic_tasks.in_env.attribution.bundled import LARGEST_BYTES, Name, bundled, parse_url
from pystatic_tasks.in_env.protocol import Component

INFO = "depx-1.0.dist-info"
# As auditwheel and cargo-cyclonedx write them.
CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.4",
    "metadata": {"component": {"type": "library", "bom-ref": "depx", "name": "depx", "version": "1.0"}},
    "components": [
        {
            "type": "library",
            "bom-ref": "depx",
            "name": "depx",
            "version": "1.0",
            "purl": "pkg:pypi/depx@1.0?file_name=x",
        },
        {
            "type": "library",
            "name": "libXau",
            "version": "1.0.9-3.el8",
            "purl": "pkg:rpm/almalinux/libXau@1.0.9-3.el8#0a",
            "components": [{"name": "inner", "version": "3"}],
        },
        {
            "author": "The Rust Project Developers",
            "name": "libc",
            "version": "0.2.186",
            "scope": "required",
            "hashes": [{"alg": "SHA-256", "content": "AB" * 32}],
            "licenses": [{"expression": "MIT OR Apache-2.0"}],
            "purl": "pkg:cargo/libc@0.2.186?download_url=file://.",
        },
        {"name": "cc", "version": "1", "scope": "excluded", "purl": "pkg:cargo/cc@1"},
        {
            "name": "zlib",
            "version": "1.3",
            "supplier": {"name": "zlib authors"},
            "copyright": "Copyright 1995 A\nCopyright 1996 B",
            "licenses": [{"license": {"id": "Zlib"}}, {"license": {"name": "more"}}],
        },
        {"name": "Needed", "version": "2", "purl": "pkg:pypi/needed@2"},
        {"name": "urllib3", "version": "2.5", "purl": "pkg:pypi/urllib3@2.5"},
    ],
}
SPDX = {
    "spdxVersion": "SPDX-2.3",
    "packages": [
        {"SPDXID": "SPDXRef-depx", "name": "depx", "versionInfo": "1.0"},
        {
            "SPDXID": "SPDXRef-openblas",
            "name": "openblas",
            "versionInfo": "0.3.30",
            "supplier": "Organization: OpenMathLib (dev@openblas.example)",
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "BSD-3-Clause",
            "copyrightText": "NOASSERTION",
            "checksums": [{"algorithm": "SHA256", "checksumValue": "c" * 64}],
            "externalRefs": [
                {"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x"},
                {"referenceType": "purl", "referenceLocator": "pkg:github/OpenMathLib/OpenBLAS@v0.3.30"},
            ],
        },
        {
            "SPDXID": "SPDXRef-gcc",
            "name": "libgfortran",
            "supplier": "NOASSERTION",
            "copyrightText": "Copyright 2020 G",
        },
    ],
    "relationships": [
        {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-depx"}
    ],
}


def installed(folder: Path, **documents: Any) -> importlib.metadata.Distribution:
    """A small wheel with these documents, unpacked as pip does."""
    wheel = folder / "depx-1.0-py3-none-any.whl"
    files = {
        "depx.py": "",
        f"{INFO}/METADATA": "Metadata-Version: 2.4\nName: depx\nVersion: 1.0\nRequires-Dist: needed>=1\n",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    for name, content in documents.items():
        text = content if isinstance(content, str) else json.dumps(content)
        files[f"{INFO}/sboms/{name.replace('_', '.')}"] = text
    files[f"{INFO}/RECORD"] = "".join(f"{file},,\n" for file in files)
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    site = folder / "site-packages"
    zipfile.ZipFile(wheel).extractall(site)
    return importlib.metadata.PathDistribution(site / INFO)


def test_cyclonedx_lists_what_is_built_into_a_wheel(tmp_path: Path) -> None:
    found, unread = bundled(installed(tmp_path, x_cdx_json=CYCLONEDX))
    assert unread == ()
    assert {each.inside for each in found} == {("depx",)}
    assert {each.name: (each.type, each.namespace, each.version, each.licenses, each.supplier) for each in found} == {
        "libXau": ("rpm", "almalinux", "1.0.9-3.el8", (), "almalinux"),
        "libc": ("cargo", "", "0.2.186", ("MIT OR Apache-2.0",), "The Rust Project Developers"),
        "zlib": ("generic", "", "1.3", ("Zlib", "more"), "zlib authors"),
        "urllib3": ("pypi", "", "2.5", (), ""),
        "inner": ("generic", "", "3", (), ""),
    }
    by_name = {each.name: each for each in found}
    assert by_name["libc"].sha256 == "ab" * 32
    assert by_name["libc"].qualifiers == {}
    assert by_name["zlib"].copyright == "Copyright 1995 A\nCopyright 1996 B"


def test_spdx_lists_what_is_built_into_a_wheel(tmp_path: Path) -> None:
    found, unread = bundled(installed(tmp_path, x_spdx_json=SPDX))
    assert unread == ()
    assert found == [
        Component(
            kind="bundled",
            type="github",
            namespace="OpenMathLib",
            name="OpenBLAS",
            version="v0.3.30",
            licenses=("BSD-3-Clause",),
            supplier="OpenMathLib <dev@openblas.example>",
            sha256="c" * 64,
            inside=("depx",),
        ),
        Component(kind="bundled", type="generic", name="libgfortran", copyright="Copyright 2020 G", inside=("depx",)),
    ]


def test_documents_of_both_kinds_are_read_together(tmp_path: Path) -> None:
    found, _ = bundled(installed(tmp_path, a_cdx_json=CYCLONEDX, b_spdx_json=SPDX))
    assert {"libXau", "OpenBLAS"} <= {each.name for each in found}


@pytest.mark.parametrize(
    "content",
    [
        "<bom/>",
        "",
        "[]",
        "null",
        "{}",
        {"bomFormat": "other"},
        {"spdxVersion": 3},
        {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []},
        "[" * 100_000,
        json.dumps(CYCLONEDX) + " " * LARGEST_BYTES,
    ],
)
def test_a_document_that_cannot_be_read_is_named(tmp_path: Path, content: Any) -> None:
    assert bundled(installed(tmp_path, odd_json=content)) == ([], ("sboms/odd.json",))


def test_a_document_that_is_recorded_and_not_there_is_none(tmp_path: Path) -> None:
    found = installed(tmp_path, x_json=CYCLONEDX)
    (tmp_path / "site-packages" / INFO / "sboms" / "x.json").unlink()
    assert bundled(found) == ([], ())


@pytest.mark.parametrize("odd", [None, 3, "x", [], {}, [3], [[]], [{}], {"name": 3}, "\x1b[31m", "x" * 1000])
def test_what_is_not_as_it_must_be_is_left_out(tmp_path: Path, odd: Any) -> None:
    cyclonedx_keys = "bom-ref purl scope licenses hashes supplier authors author copyright components"
    spdx_keys = "SPDXID externalRefs checksums licenseDeclared copyrightText"
    keys = f"{cyclonedx_keys} {spdx_keys}".split()
    listed = [{"name": "kept", "version": odd, **dict.fromkeys(keys, odd)}, {"name": odd}, odd]
    cyclonedx = {**CYCLONEDX, "metadata": odd, "components": listed}
    spdx = {**SPDX, "packages": listed, "relationships": odd, "documentDescribes": odd}
    found, unread = bundled(installed(tmp_path, a_json=cyclonedx, b_json=spdx))
    assert unread == ()
    assert {"kept"} <= {each.name for each in found}
    assert all(each.name.isprintable() and each.version.isprintable() for each in found)


@pytest.mark.parametrize("components", [None, 3, {}, "x"])
def test_what_lists_nothing_lists_nothing(tmp_path: Path, components: Any) -> None:
    assert bundled(installed(tmp_path, a_json={**CYCLONEDX, "components": components})) == ([], ())


def test_only_files_of_its_own_folder_are_documents(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text(json.dumps(CYCLONEDX), encoding="utf-8")
    found = installed(tmp_path)
    (tmp_path / "site-packages" / INFO / "RECORD").write_text(
        f"{INFO}/sboms/../../../secret.json,,\n../secret.json,,\nsboms/x.json,,\n", encoding="utf-8"
    )
    assert bundled(found) == ([], ())


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("pkg:pypi/x@1", Name(type="pypi", name="x", version="1")),
        ("pkg:RPM/almalinux/libXau@1%3A1.0", Name(type="rpm", namespace="almalinux", name="libXau", version="1:1.0")),
        (
            "pkg:npm/%40scope/x@1?a=b%20c&D=e&f=file:///home&g=git%2Bhttps://ada:secret@x.example/y#sub",
            Name(type="npm", namespace="@scope", name="x", version="1", qualifiers={"a": "b c", "d": "e"}),
        ),
        ("pkg:generic/x", Name(name="x")),
        ("pkg:generic/https:%2F%2Fada:secret%40x.example@1", None),
        ("pkg:generic/https:%2F%2Fada:secret%40x.example/x@1", None),
        ("pkg:generic/%2F", None),
        ("pkg:generic/@1", None),
        ("pkg:generic", None),
        ("pkg:9/x", None),
        ("https://x.example/x", None),
        ("", None),
    ],
)
def test_a_package_url_is_read(url: str, name: Name | None) -> None:
    assert parse_url(url) == name


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [
        ("x86_64", True),
        ("sha256:0a1b", True),
        ("docker.io/library", True),
        ("https://x.example:8443/y.tar.gz", True),
        ("git+https://x.example/y.git@0a1b2c3d", True),
        ("git+https://ada:secret@x.example/y", False),
        ("git+https://ada:sec/ret@x.example/y", False),
        ("https%3A//ada:secret%40x.example/y", False),
        ("https://x.example/y?token=secret", False),
        ("ada:secret@x.example:y", False),
        ("git@x.example:y", False),
        ("http://x.example/y", False),
        ("/home/ada/y", False),
        ("../../home/ada/y", False),
        (" file:///home/ada/y", False),
        ("FILE:///home/ada/y", False),
        ("git+file:///home/ada/y", False),
        ("C:\\home\\ada", False),
    ],
)
def test_no_user_and_no_place_of_a_machine_is_kept_of_a_package_url(value: str, is_kept: bool) -> None:
    name = parse_url(f"pkg:generic/x@1?vcs_url={quote(value)}")
    assert name
    assert dict(name.qualifiers) == ({"vcs_url": value} if is_kept else {})
