from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.licenses import canonicalize_license_expression

from pystatic_tasks.bom.licenses import CLASSIFIERS, DEBIANS, WRITTEN, conclude, conclude_all, explanations
from pystatic_tasks.in_env.protocol import Component

DISTRIBUTION = Component(kind="distribution", type="pypi", name="x", version="1")
PACKAGE = Component(kind="system", type="deb", name="libx1", version="1-2")
BUNDLED = Component(kind="bundled", type="generic", name="libx", version="1")


@pytest.mark.parametrize("name", [*CLASSIFIERS.values(), *WRITTEN.values(), *DEBIANS.values()])
def test_these_names_are_spdxs(name: str) -> None:
    assert canonicalize_license_expression(name) == name


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("MIT", "MIT"),
        ("mit or (apache-2.0 and isc)", "MIT OR (Apache-2.0 AND ISC)"),
        ("GPL-3.0", "GPL-3.0-only"),
        ("GPL-2.0+ WITH Classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache 2.0", "Apache-2.0"),
        ("The MIT License", "MIT"),
        ("BSD 3-Clause License", "BSD-3-Clause"),
        ("New BSD", "BSD-3-Clause"),
        ("MIT License", "MIT"),
        # Of these there are several.
        ("BSD License", "LicenseRef-pypi-x-BSD-License"),
        ("Apache Software License", "LicenseRef-pypi-x-Apache-Software-License"),
        ("GPLv3", "LicenseRef-pypi-x-GPLv3"),
        ("MIT/X11", "LicenseRef-pypi-x-MIT-X11"),
        ("LicenseRef-Proprietary", "LicenseRef-Proprietary"),
        ("(" * 900, "LicenseRef-pypi-x-other"),
        ("MIT OR " * 900 + "MIT", f"LicenseRef-pypi-x-{'MIT-OR-' * 900}MIT"),
    ],
)
def test_a_name_is_an_expression_where_that_is_certain(name: str, expression: str) -> None:
    assert conclude(replace(DISTRIBUTION, licenses=(name,))).expression == expression


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("Expat", "MIT"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("zlib", "Zlib"),
        ("public-domain", "LicenseRef-deb-libx1-public-domain"),
        ("GPL", "LicenseRef-deb-libx1-GPL"),
        ("GPL-2+ with OpenSSL exception", "LicenseRef-deb-libx1-GPL-2-or-later-with-OpenSSL-exception"),
        ("Artistic or GPL-1+", "LicenseRef-deb-libx1-Artistic OR GPL-1.0-or-later"),
        ("GPL-2+ and Expat or ISC", "(GPL-2.0-or-later AND MIT) OR ISC"),
        ("GPL-2+ or AFL-2.1, and Expat and ISC", "(GPL-2.0-or-later OR AFL-2.1) AND MIT AND ISC"),
        ("/usr/share/doc/libx1/copyright", "LicenseRef-deb-libx1-copyright"),
    ],
)
def test_debians_names_are_spdxs_where_that_is_certain(name: str, expression: str) -> None:
    assert conclude(replace(PACKAGE, licenses=(name,))).expression == expression


def test_cargos_old_way_means_a_choice() -> None:
    assert conclude(replace(BUNDLED, type="cargo", licenses=("MIT/Apache-2.0",))).expression == "MIT OR Apache-2.0"


def test_what_another_document_explains_is_a_name_here() -> None:
    found = conclude(replace(BUNDLED, licenses=("LicenseRef-3 AND MIT",)))
    assert found.expression == "LicenseRef-generic-libx-LicenseRef-3-AND-MIT"
    assert found.references == {found.expression: "LicenseRef-3 AND MIT"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["MIT"], "MIT"),
        (["MIT", "Apache-2.0 OR ISC"], "MIT AND (Apache-2.0 OR ISC)"),
        (["MIT AND ISC", "ISC", "(MIT OR ISC) AND MIT"], "MIT AND ISC AND (MIT OR ISC)"),
        ([], ""),
    ],
)
def test_several_licences_hold_together(names: list[str], expected: str) -> None:
    assert conclude(replace(DISTRIBUTION, licenses=tuple(names))).expression == expected


def test_several_components_have_a_licence_together_if_each_has_one() -> None:
    known = [replace(DISTRIBUTION, licenses=("MIT OR ISC",)), replace(PACKAGE, licenses=("Expat", "odd"))]
    found = conclude_all(known)
    assert found.expression == "MIT AND LicenseRef-deb-libx1-odd AND (MIT OR ISC)"
    assert found.references == {"LicenseRef-deb-libx1-odd": "odd"}
    assert conclude_all([*known, BUNDLED]).expression == ""


def test_it_is_said_where_the_text_of_a_licence_is() -> None:
    several = replace(PACKAGE, licenses=("odd", "/usr/share/doc/libx1/copyright"))
    assert explanations([several, replace(DISTRIBUTION, licenses=("BSD License",))]) == {
        "LicenseRef-deb-libx1-copyright": "The terms in /usr/share/doc/libx1/copyright of libx1 1-2.",
        "LicenseRef-deb-libx1-odd": 'What libx1 1-2 calls "odd" in /usr/share/doc/libx1/copyright.',
        "LicenseRef-pypi-x-BSD-License": 'What x 1 calls "BSD License" in its metadata and licence files.',
    }
