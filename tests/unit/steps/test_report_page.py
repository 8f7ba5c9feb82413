from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pages import FILES, configured, contents_of
from support import BUILT, FROZEN

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.report.page import listed_image
from pystatic_tasks.report.start import Import, Start
from pystatic_tasks.steps.import_times import MOST_LEVELS
from pystatic_tasks.steps.manifest import manifest_path, report_path, write_manifest, write_report
from pystatic_tasks.steps.report_page import as_json, listed_images, read_records, write_pages
from pystatic_tasks.steps.results import Check, Imported, Imports, RunReport, Smoked, StartPhase

SMOKED = Smoked(
    version=1,
    name="shop",
    digest=BUILT.digest,
    engine="docker",
    engine_version="27.1",
    passed=False,
    checks=(Check(name="no shell", passed=True, seen="7 files"),),
    runs=(
        RunReport(user="65535:65535", startup_ms=312, checks=(Check(name="GET /", passed=False, seen="500"),)),
        RunReport(user="23456:23456", startup_ms=900, checks=()),
    ),
    unchecked=("the memory limit",),
)
IMPORTS = Imports(
    version=1,
    name="shop",
    digest=BUILT.digest,
    engine="docker",
    first_answer_ms=400,
    imports=(
        Imported(name="falcon", self_us=2_000, cumulative_us=2_000, depth=1),
        Imported(name="shop.web", self_us=1_000, cumulative_us=3_000, depth=0),
    ),
    phases=(StartPhase(name="container", us=40_500), StartPhase(name="interpreter", us=20_000)),
)


def built(root: Path, name: str = "shop") -> ImageConfig:
    """An image that was built in a folder."""
    shop = configured(root=root, project=root)
    shop = replace(shop, name=name)
    shop.dist.mkdir(parents=True)
    contents = replace(contents_of(FILES), name=name)
    (shop.dist / "contents.json").write_text(as_json(contents), encoding="utf-8")
    write_manifest(shop, FROZEN, inputs="", outputs=[])
    write_manifest(shop, replace(BUILT, name=name), inputs="", outputs=[])
    return shop


def test_before_smoke_nobody_knows_of_contract_and_start(tmp_path: Path) -> None:
    records = read_records(built(tmp_path))
    assert (records.proof, records.start, records.before) == (None, None, None)


def test_what_smoke_saw_is_told_as_it_saw_it(tmp_path: Path) -> None:
    shop = built(tmp_path)
    write_report(shop, SMOKED)
    records = read_records(shop)
    assert records.proof
    assert not records.proof.passed
    assert records.proof.engine == "docker (27.1)"
    assert [(each.title, each.passed) for each in records.proof.trials] == [
        ("The image at rest", True),
        ("Run as user 65535:65535", False),
        ("Run as user 23456:23456", True),
    ]
    assert records.start
    assert (records.start.first_answer_ms, records.start.measured_ms) == (312, None)


def test_what_was_measured_of_another_image_says_nothing_of_this_one(tmp_path: Path) -> None:
    shop = built(tmp_path)
    write_report(shop, replace(SMOKED, digest="sha256:2"))
    write_report(shop, IMPORTS)
    assert read_records(shop).proof is None
    write_report(shop, SMOKED)
    write_report(shop, replace(IMPORTS, digest="sha256:2"))
    start = read_records(shop).start
    assert start
    assert start.imports == ()


def test_imports_that_were_measured_are_part_of_the_start(tmp_path: Path) -> None:
    shop = built(tmp_path)
    write_report(shop, SMOKED)
    write_report(shop, IMPORTS)
    start = read_records(shop).start
    assert start
    assert (start.measured_ms, start.parts) == (400, (("container", 40.5), ("interpreter", 20.0)))
    assert start.imports == (
        Import(name="shop.web", own_ms=1.0, ms=3.0, inside=(Import(name="falcon", own_ms=2.0, ms=2.0),)),
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, json.dumps({**to_json(SMOKED), "more": 1})])
def test_what_is_not_ours_is_as_if_it_were_not_there(tmp_path: Path, text: str) -> None:
    shop = built(tmp_path)
    report_path(shop, "smoke").write_text(text, encoding="utf-8")
    assert read_records(shop).proof is None


def changed(record: Any, *path: str | int, to: object) -> str:
    """A record with another value in one place."""
    content = to_json(record)
    place: Any = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(content)


def deep(levels: int) -> Imports:
    """Each import in the one that comes next."""
    depths = range(levels - 1, -1, -1)
    return replace(
        IMPORTS, imports=tuple(Imported(name="m", self_us=1, cumulative_us=10**6, depth=each) for each in depths)
    )


@pytest.mark.parametrize(
    "text",
    [
        changed(IMPORTS, "imports", 0, "self_us", to=10**400),
        changed(IMPORTS, "imports", 0, "self_us", to=-1),
        changed(IMPORTS, "phases", 0, "name", to="lunch"),
        changed(IMPORTS, "phases", 0, "us", to=10**400),
        json.dumps(to_json(deep(5000))),
    ],
)
def test_a_page_is_written_beside_imports_that_nobody_measured(tmp_path: Path, text: str) -> None:
    shop = built(tmp_path)
    write_report(shop, SMOKED)
    report_path(shop, "imports").write_text(text, encoding="utf-8")
    write_pages(shop)
    start = read_records(shop).start
    assert start
    assert (start.first_answer_ms, start.measured_ms) == (312, None)


def test_imports_in_each_other_as_deep_as_may_be_are_shown(tmp_path: Path) -> None:
    shop = built(tmp_path)
    write_report(shop, SMOKED)
    write_report(shop, deep(MOST_LEVELS))
    write_pages(shop)
    assert read_records(shop).start != Start(engine="docker", first_answer_ms=312)


@pytest.mark.parametrize(
    "path_and_value",
    [
        ("size_bytes", 10**400),
        ("size_bytes", -1),
        ("components", 0, "files", 0, "path", "a/" * 2000 + "b"),
    ],
)
def test_nor_is_what_cannot_be_shown(tmp_path: Path, path_and_value: tuple[Any, ...]) -> None:
    shop = built(tmp_path)
    *path, value = path_and_value
    text = changed(contents_of(FILES), *path, to=value)
    (shop.dist / "contents-before.json").write_text(text, encoding="utf-8")
    (shop.dist.parent / "other").mkdir()
    (shop.dist.parent / "other" / "contents.json").write_text(text, encoding="utf-8")
    write_pages(shop)
    assert read_records(shop).before is None
    assert list(listed_images(shop.dist.parent)) == [listed_image(contents_of(FILES), None, has_page=True)]


def test_names_that_are_not_utf_8_are_shown_with_escapes(tmp_path: Path) -> None:
    shop = built(tmp_path)
    write_report(shop, replace(SMOKED, engine="caf\udce9"))
    text = changed(contents_of(FILES), "components", 0, "files", 0, "path", to="/srv/\udcff.txt")
    (shop.dist / "contents.json").write_text(text, encoding="utf-8")
    page = write_pages(shop).read_text(encoding="utf-8")
    assert r"caf\udce9 (27.1)" in page
    assert r'"\udcff.txt"' in page


@pytest.mark.parametrize("name", ["smoke.json", "imports.json", "contents-before.json"])
def test_nor_what_is_larger_than_any_of_ours(tmp_path: Path, name: str) -> None:
    shop = built(tmp_path)
    write_report(shop, SMOKED)
    sparse(shop.dist / name)
    records = read_records(shop)
    assert (records.before, bool(records.proof)) == (None, name != "smoke.json")


def sparse(path: Path) -> None:
    """A file of a size that nobody's memory has."""
    with path.open("wb") as file:
        file.truncate(2**43)


def test_the_image_before_is_read_from_beside(tmp_path: Path) -> None:
    shop = built(tmp_path)
    before = contents_of({"shop": FILES["shop"]})
    (shop.dist / "contents-before.json").write_text(as_json(before), encoding="utf-8")
    assert read_records(shop).before == before


def test_a_page_can_be_written_when_the_frozen_program_is_gone(tmp_path: Path) -> None:
    shop = built(tmp_path)
    manifest_path(shop, "freeze").unlink()
    text = write_pages(shop).read_text(encoding="utf-8")
    assert "The service was not observed: the results of freeze are missing." in text


def test_an_image_of_an_older_version_has_no_page(tmp_path: Path) -> None:
    shop = built(tmp_path)
    (shop.dist / "contents.json").unlink()
    problem = f"The contents of shop are not recorded in {shop.dist}/contents.json."
    with pytest.raises(PystaticError) as caught:
        write_pages(shop)
    assert str(caught.value) == (
        f"{problem}\nRun the image session again: an older version of pystatic-tasks made the image."
    )


def test_one_image_has_a_page_and_several_have_an_index_too(tmp_path: Path) -> None:
    page = write_pages(built(tmp_path))
    assert page == tmp_path / "dist/pystatic/shop/report.html"
    index = tmp_path / "dist/pystatic/index.html"
    assert not index.exists()
    write_pages(built(tmp_path, "worker"))
    text = index.read_text(encoding="utf-8")
    assert 'href="shop/report.html"' in text
    assert 'href="worker/report.html"' in text
