from __future__ import annotations

from dataclasses import replace

from pages import FILES, component, contents_of
from support import BUILT, validate

from pystatic_tasks.in_env.records import from_json, to_json
from pystatic_tasks.report.contents import Contents, Growth, differ, growth, list_contents

NOW = contents_of(FILES)


def test_a_component_has_its_files_and_their_sum() -> None:
    found = {each.name: each for each in NOW.components}["libssl3"]
    assert (found.kind, found.purl, found.size_bytes) == ("system", "pkg:deb/debian/libssl3@1.0", 5_400_000)
    assert found.compressed_bytes == 2_700_000
    assert [(file.path, file.layer) for file in found.files] == [
        ("/shop!/lib/libcrypto.so.3", "python"),
        ("/shop!/lib/libssl.so.3", "python"),
    ]


def test_estimates_are_scaled_to_what_the_image_has() -> None:
    alone = sum(each.compressed_bytes or 0 for each in NOW.components)
    assert round(alone * NOW.scale) == NOW.compressed_bytes == 4_000_000
    assert NOW.unpacked_bytes == sum(size for files in FILES.values() for _, _, size in files)


def test_an_archive_says_nothing_of_layers_and_nobody_estimated_it() -> None:
    sizes = {"/shop!/shop!/PYZ.pyz!/falcon.app": (500, "")}
    falcon = replace(component("falcon"), files=tuple(sizes))
    found = list_contents(BUILT, [falcon], sizes, {}, frozen_bytes=500, executable_bytes=400)
    assert found.components[0].files[0].layer == "third-party"
    assert found.components[0].compressed_bytes is None
    assert found.scale == 0


def test_the_record_is_as_its_schema_says_and_read_back() -> None:
    validate(to_json(NOW), "contents.schema.json")
    assert from_json(Contents, to_json(NOW)) == NOW


def test_another_time_makes_no_other_contents() -> None:
    assert not differ(NOW, replace(NOW, digest="sha256:2"))
    assert differ(NOW, replace(NOW, layout="tree"))
    assert differ(NOW, contents_of({**FILES, "shop": [("/shop!/x", "project", 1)]}))


def test_what_grew_came_and_went_is_told_by_component() -> None:
    before = contents_of(
        {name: files for name, files in FILES.items() if name != "sparepart"} | {"gone": FILES["shop"]}
    )
    falcon = replace(before.components[3], purl="pkg:pypi/falcon@0.9", version="0.9", size_bytes=12_000)
    before = replace(before, components=(*before.components[:3], falcon, *before.components[4:]))
    assert growth(before, NOW) == [
        Growth(name="sparepart", version_before="", version="1.0", before=None, after=800_000),
        Growth(name="falcon", version_before="0.9", version="1.0", before=12_000, after=512_000),
        Growth(name="gone", version_before="1.0", version="", before=12_000, after=None),
    ]
    assert [each.grown_bytes for each in growth(before, NOW)] == [800_000, 500_000, -12_000]
    assert growth(NOW, NOW) == []
