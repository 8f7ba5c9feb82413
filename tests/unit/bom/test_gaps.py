from __future__ import annotations

from dataclasses import replace

from pystatic_tasks.bom.gaps import gaps
from pystatic_tasks.in_env.protocol import NO_NOTICES, Component

KNOWN = Component(
    kind="project", type="generic", name="shop", version="1", supplier="Ada", licenses=("MIT",), copyright=NO_NOTICES
)


def test_nothing_is_said_where_all_is_known() -> None:
    assert list(gaps([KNOWN])) == []


def test_what_is_unknown_is_said_of_each_component() -> None:
    others = [Component(kind="file", type="generic", name=f"lib{number}.so") for number in range(7)]
    assert list(gaps([KNOWN, *others])) == [
        "version unknown: lib0.so, lib1.so, lib2.so, lib3.so, lib4.so and 2 more",
        "supplier unknown: lib0.so, lib1.so, lib2.so, lib3.so, lib4.so and 2 more",
        "licence unknown: lib0.so, lib1.so, lib2.so, lib3.so, lib4.so and 2 more",
        "copyright unknown: lib0.so, lib1.so, lib2.so, lib3.so, lib4.so and 2 more",
    ]


def test_whoever_owns_the_project_is_told_where_to_say_it() -> None:
    assert list(gaps([replace(KNOWN, supplier="", licenses=())])) == [
        "supplier unknown: shop",
        "licence unknown: shop",
        "Set the supplier of shop as authors in [project], or as org.opencontainers.image.vendor in image.labels.",
        "Set the licence of shop as license in [project], or as org.opencontainers.image.licenses in image.labels.",
    ]


def test_documents_that_could_not_be_read_are_named() -> None:
    assert list(gaps([replace(KNOWN, unread=("sboms/x.xml", "sboms/y.json"))])) == [
        "shop brings sboms/x.xml, sboms/y.json, not read: neither CycloneDX nor SPDX 2 in JSON"
    ]
