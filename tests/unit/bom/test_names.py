from __future__ import annotations

import pytest

from pystatic_tasks.bom.names import Party, package_url, party, references, source_of
from pystatic_tasks.in_env.protocol import Component


def test_every_component_has_a_url(components: list[Component]) -> None:
    checksum = f"checksum=sha256:{'e' * 64}"
    assert [str(package_url(each)) for each in components] == [
        "pkg:deb/debian/libssl3@3.0.19-1%2Bb1?arch=amd64&distro=debian-12&upstream=openssl%403.0.19-1",
        f"pkg:generic/libx.so?{checksum}",
        "pkg:generic/python@3.13.0",
        "pkg:generic/shop@1.4",
        "pkg:cargo/libm@0.2.15",
        "pkg:pypi/big-dep@2.0",
        "pkg:pypi/gunicorn@27.0.1",
    ]


def test_components_of_one_url_have_names_of_their_own() -> None:
    found = [Component(kind="bundled", type="pypi", name=name, version="1") for name in ("Foo", "foo", "FOO", "bar")]
    assert references(found) == ["pkg:pypi/foo@1", "pkg:pypi/foo@1#2", "pkg:pypi/foo@1#3", "pkg:pypi/bar@1"]


@pytest.mark.parametrize(
    ("text", "expected", "is_person"),
    [
        ("Kurt Griffiths <mail@kgriffs.com>", Party(name="Kurt Griffiths", address="mail@kgriffs.com"), True),
        ("Ada Größe", Party(name="Ada Größe"), True),
        ("list@lists.example", Party(name="list@lists.example"), False),
        ("<list@lists.example>", Party(name="list@lists.example"), False),
        (
            "Guido van Rossum, Jukka Lehtosalo <typing@x.org>",
            Party(name="Guido van Rossum, Jukka Lehtosalo", address="typing@x.org"),
            False,
        ),
        ("GNU Libc Maintainers <libc@x.org>", Party(name="GNU Libc Maintainers", address="libc@x.org"), False),
        ("Python Software Foundation", Party(name="Python Software Foundation"), False),
        ("Meta Platforms, Inc.", Party(name="Meta Platforms, Inc."), False),
        ("almalinux", Party(name="almalinux"), False),
    ],
)
def test_people_and_groups_are_told_apart_by_their_names(text: str, expected: Party, is_person: bool) -> None:
    found = party(text)
    assert found == expected
    assert found.is_person is is_person


def test_nobody_is_nobody() -> None:
    assert party("") is None


def test_a_systems_package_names_its_source(components: list[Component]) -> None:
    assert source_of(components[0]) == "built package from: openssl 3.0.19-1"
    assert source_of(components[1]) == ""
