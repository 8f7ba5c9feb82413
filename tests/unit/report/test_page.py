from __future__ import annotations

from dataclasses import replace

from pages import EVIDENCE, FILES, LIBRARY, configured, contents_of, page, records
from support import BUILT

from pystatic_tasks.oci.description import LayerDescription
from pystatic_tasks.report.page import Rung, listed_image


def layer(kind: str) -> LayerDescription:
    return LayerDescription(kind=kind, digest="", diff_id="", size_bytes=10, compressed_bytes=5)


def test_the_ladder_leads_from_what_was_frozen_to_the_wire() -> None:
    found = page(config=configured(max_size=4_000_000), before=contents_of(FILES, size_bytes=6_000_000)).ladder
    assert found == (
        Rung(name="frozen contents", size_bytes=15_000_000, before=15_000_000),
        Rung(name="static executable", size_bytes=4_900_000, before=4_900_000),
        Rung(name="image on disk", size_bytes=5_000_000, budget=4_000_000, before=6_000_000),
        Rung(name="image on the wire", size_bytes=4_000_000, before=4_000_000),
    )
    assert [each.over for each in found] == [False, False, True, False]


def test_a_tree_has_a_rung_for_each_layer_and_no_executable() -> None:
    built = replace(BUILT, layout="tree", layers=(layer("libc"), layer("project")))
    found = page(built=built, contents=contents_of(FILES, layout="tree", executable_bytes=None)).ladder
    assert [each.name for each in found] == [
        *("frozen contents", "layer libc", "layer project", "image on disk", "image on the wire"),
    ]


def test_an_image_of_another_layout_before_has_no_executable_to_compare() -> None:
    found = page(before=contents_of(FILES, executable_bytes=None)).ladder
    assert found[1] == Rung(name="static executable", size_bytes=4_900_000)


def test_the_files_are_told_to_the_script_in_layers_components_and_folders() -> None:
    data = page().data
    assert [title for title, _ in data["layers"]] == ["the project", "dependencies", "Python", "the C library"]
    numbers = {each[0]: number for number, each in enumerate(data["components"])}
    dependencies = dict(data["layers"])["dependencies"]
    falcon = next(inside for number, inside in dependencies if number == numbers["falcon"])
    of_shop, of_falcon = (data["names"].index(name) for name in ("shop.web", "falcon"))
    assert falcon == [
        [
            "falcon",
            [
                ["__init__.pyc", 3_000, 0, [of_shop]],
                ["app.pyc", 500_000, 1, [of_falcon]],
                ["static", [["logo.svg", 9_000, 1]]],
            ],
        ]
    ]
    assert data["occasions"] == ["start", "GET /"]


def test_importers_beyond_the_first_are_counted() -> None:
    imported_by = {"os": tuple(f"user{number}" for number in range(9))}
    data = page(evidence=replace(EVIDENCE, imported_by=imported_by, linked_by={})).data
    python = next(
        inside for title, each in data["layers"] if title == "Python" for number, inside in each if number == 2
    )
    assert ["os.pyc", 30_000, 0, [0, 1, 2, 3], 5] in python


def test_a_module_beside_a_package_of_its_name_stays() -> None:
    files = {"python": [(f"{LIBRARY}x", "python", 1), (f"{LIBRARY}x/y.pyc", "python", 2)]}
    layers = page(contents=contents_of(files), components=records(files).components).data["layers"]
    assert layers[0][1][0][1] == [["x", 1], ["x", [["y.pyc", 2, -1]]]]


def test_imports_of_no_weight_are_left_out_of_the_graph_and_the_slowest_listed() -> None:
    found = page()
    assert found.data["imports"] == [
        ["os", 4.0, 4.0, []],
        ["shop.web", 10.0, 46.0, [["falcon", 6.0, 36.0, [["falcon.app", 30.0, 30.0, []]]]]],
    ]
    assert [each.name for each in found.slowest] == ["falcon.app", "shop.web", "falcon", "os"]


def test_in_the_index_an_image_is_told_by_its_sizes_and_what_is_largest() -> None:
    found = listed_image(contents_of(FILES), contents_of(FILES, compressed_bytes=3_000_000), has_page=True)
    assert (found.name, found.layout, found.compressed_bytes, found.before) == (
        "shop",
        "one file",
        4_000_000,
        3_000_000,
    )
    assert found.largest == "python, libssl3, libc6"
