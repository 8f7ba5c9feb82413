"""The peers: their Dockerfiles, what is kept of them, the tables and the plot."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import re
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench.build import run
from bench.peers.archives import Digests, digests, layers, listing, on_disk, on_the_wire, sameness, shells
from bench.peers.figures import REFERENCE, Figure, Row, read_rows, with_figures, write_rows
from bench.peers.images import Workshop, bases_of, check_release, recipe
from bench.peers.ours import FORMS
from bench.peers.page import BEGIN, COLUMNS, OURS_TO_BEAT, SHOWN_PROJECT, better, table, text, write_page
from bench.peers.peer import Peer, choose, dockerfile, program, read_peers, read_projects, slug
from bench.peers.plot import Axis, Box, Point, free_place, plot
from bench.peers.runs import of_those_that_answer
from bench.peers.ways import BUILDS, all_ways, every_way
from bench.server import BenchError, Variant

PEERS = read_peers()
PROJECTS = read_projects()
SVG = "{http://www.w3.org/2000/svg}"
each_peer = pytest.mark.parametrize("peer", PEERS.peers, ids=lambda peer: peer.key)
each_project = pytest.mark.parametrize("one", PROJECTS, ids=lambda one: one.name)


def row(name: str, size: int = 1_000_000, ratio: float = 1.0, *, is_ours: bool = False) -> Row:
    figures = {"docker": Figure(median=ratio * 100, ratio=ratio)}
    return Row(name=name, base="scratch", is_ours=is_ours, on_disk=size, gzip=size // 2, figures=figures)


def tar(files: Mapping[str, bytes], mode: int = 0o644, modified: int = 0) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as file:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(content), mode, modified
            file.addfile(member, io.BytesIO(content))
    return written.getvalue()


def test_every_name_is_its_own() -> None:
    names = [*(peer.key for peer in PEERS.peers), *(form.key for form in FORMS)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)


def test_a_slug_has_the_words_of_a_name() -> None:
    assert slug("Python slim, multi-stage with uv") == "python-slim-multi-stage-with-uv"


def test_what_the_pages_name_is_there() -> None:
    names = {*(peer.name for peer in PEERS.peers), *(form.name for form in FORMS)}
    assert {*OURS_TO_BEAT, REFERENCE} <= names
    assert SHOWN_PROJECT in {one.name for one in PROJECTS}


@each_peer
@each_project
def test_a_dockerfile_is_whole(peer: Peer, one: object) -> None:
    [project] = [each for each in PROJECTS if each is one]
    lines = dockerfile(peer, project, PEERS.stages).splitlines()
    assert lines[0].startswith("FROM pystatic-bench:")
    assert not [line for line in lines if line in PEERS.stages or re.search(r"(?<!\$)\{", line)]
    [entrypoint] = [line for line in lines if line.startswith("ENTRYPOINT ")]
    assert "--worker-tmp-dir" in json.loads(entrypoint.removeprefix("ENTRYPOINT "))
    assert bases_of("\n".join(lines)) <= {*PEERS.bases, "distroless"}


def test_packages_that_are_loaded_by_name_are_named_to_those_that_freeze() -> None:
    [django] = [one for one in PROJECTS if one.name == "django-notes"]
    for peer in PEERS.peers:
        text = dockerfile(peer, django, PEERS.stages)
        assert ("whitenoise" in text) is bool(peer.include or peer.more), peer.name


def test_the_program_is_gunicorns_own_command() -> None:
    [sample] = [one for one in PROJECTS if one.name == SHOWN_PROJECT]
    code = program(sample)
    compile(code, "serve.py", "exec")
    assert "import random_number.api\n" in code
    assert 'sys.argv[1:1] = ["random_number.api:app"]' in code


def test_all_are_chosen_if_none_is_named() -> None:
    assert choose([], ["a", "b"], "peer") == ["a", "b"]
    assert choose(["b"], ["a", "b"], "peer") == ["b"]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(BenchError) as caught:
        choose(["shiw"], ["shiv", "pex"], "peer")
    assert str(caught.value) == 'No peer is called "shiw"; there are shiv, pex.'


def test_another_release_is_refused() -> None:
    check_release("bookworm")
    with pytest.raises(BenchError) as caught:
        check_release("trixie")
    assert str(caught.value) == (
        'The peers are built on Debian "bookworm" with its Python, and this machine is "trixie".'
    )


def test_an_archive_of_docker_is_read(tmp_path: Path) -> None:
    lower, upper = tar({"./bin/sh": b"shell", "etc/motd": b"hello"}), tar({"app": b"12345678"})
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as file:
        manifest = json.dumps([{"Layers": ["0/layer.tar", "1/layer.tar"]}]).encode()
        contents = {"manifest.json": manifest, "0/layer.tar": lower, "1/layer.tar": gzip.compress(upper)}
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    tars = layers(archive)
    assert tars == [lower, upper]
    assert on_disk(tars) == len(b"shell" + b"hello" + b"12345678")
    assert shells(tars) == ["bin/sh"]


def test_what_is_known_of_a_layer_is_not_compressed_again(tmp_path: Path) -> None:
    known = tmp_path / "compressed.json"
    layer = tar({"app": bytes(10_000)})
    size = on_the_wire([layer], "gzip", known)
    [name] = json.loads(known.read_text())
    known.write_text(json.dumps({name: 1}))
    assert 0 < size < len(layer)
    assert on_the_wire([layer, layer], "gzip", known) == 2


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"files": {"app": b"same"}}, "yes"),
        ({"files": {"app": b"same"}, "modified": 5}, "files only"),
        ({"files": {"app": b"same"}, "mode": 0o755}, "no"),
        ({"files": {"app": b"else"}}, "no"),
        ({"files": {"app": b"same", "more": b""}}, "no"),
    ],
    ids=["bytes", "times", "modes", "content", "names"],
)
def test_two_builds_are_compared(second: dict[str, object], expected: str) -> None:
    assert sameness(digests([tar({"app": b"same"})]), digests([tar(**second)])) == expected  # type: ignore[arg-type]


def test_a_file_of_a_higher_layer_counts() -> None:
    found = listing([tar({"app": b"old"}), tar({"./app": b"new"})])
    assert [shown for _, _, shown in found.values()] == [listing([tar({"app": b"new"})])["app"][2]]


def test_rows_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "peers.json"
    known = replace(row("one", is_ours=True), digests=Digests(layers="a", files="b"))
    rows = {"sample-app": [known, Row(name="two", base="scratch", failure="It broke.")]}
    assert read_rows(path) == {}
    write_rows(path, rows)
    assert read_rows(path) == rows


def test_figures_are_multiples_of_plain_pythons_in_the_same_round() -> None:
    rows = [row(REFERENCE), row("one"), row("unmeasured")]
    found = with_figures(rows, "start", {REFERENCE: [100.0, 200.0, 100.0], "one": [150.0, 200.0, 400.0]})
    assert [each.figures.get("start") for each in found] == [
        Figure(median=100.0, ratio=1.0),
        Figure(median=200.0, ratio=1.5),
        None,
    ]


def test_a_table_has_a_line_for_each() -> None:
    rows = [row("theirs", 12_345_678, 1.234), row("ours, one file", is_ours=True)]
    lines = table(rows, [column for column in COLUMNS if column.title in ("on disk, MB", "`docker run`, ms")], "shop")
    assert lines.splitlines() == [
        "| shop | on disk, MB | `docker run`, ms |",
        "|---|---|---|",
        "| theirs | 12.35 | 123, \u00d7 1.23 |",
        "| **ours, one file** | 1.00 | 100, \u00d7 1.00 |",
    ]


def test_it_says_who_is_better() -> None:
    rows = [
        row("quick", 9_000_000, 0.9),
        row("slow", 9_000_000, 2.0),
        row("ours, one file", 5_000_000, 1.1, is_ours=True),
        row("ours, tree", 20_000_000, 0.95, is_ours=True),
    ]
    assert [line for line in better(rows).splitlines() if "docker" in line or "disk" in line or "best" in line] == [
        "|  | best of all | ours, one file | ours, tree | better than both of these |",
        "| on disk, MB | **ours, one file**: 5.00 | 5.00 | 20.00 | nobody |",
        "| `docker run`, ms | quick: 90, \u00d7 0.90 | 110, \u00d7 1.10 | 95, \u00d7 0.95 | quick (90, \u00d7 0.90) |",
    ]


def test_what_is_measured_of_theirs_only_is_not_compared() -> None:
    assert better([row("quick")]).splitlines()[2:] == []


@pytest.mark.parametrize(
    ("failure", "shown"),
    [
        ("It broke:\nno compiler\n", "no compiler"),
        ("no compiler\n\nThe command '/bin/sh -c make' returned a non-zero code: 1\n", "no compiler"),
    ],
    ids=["last line", "Docker's last line"],
)
def test_what_failed_is_told(failure: str, shown: str) -> None:
    rows = [row("ours, one file", is_ours=True), Row(name="theirs", base="scratch", failure=failure)]
    end = f"\nThese did not come to an image that answers:\n\n- theirs: `{shown}`\n"
    assert text("shop", rows).endswith(end)


def test_a_base_is_known_by_what_it_is_made_of() -> None:
    assert recipe(["python3"]) == recipe(["python3"])
    assert len({recipe(["python3"]), recipe(["python3", "gcc"]), recipe([])}) == 3


def test_the_page_is_written_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "docs/peers.md"
    page.parent.mkdir()
    page.write_text(f"before\n{BEGIN}\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    rows = {SHOWN_PROJECT: [row(REFERENCE), row("shiv"), row("ours, one file", is_ours=True)]}
    write_page(rows, tmp_path)
    first = {page: page.read_bytes() for page in tmp_path.rglob("*.*")}
    write_page(rows, tmp_path)
    assert {page: page.read_bytes() for page in tmp_path.rglob("*.*")} == first
    written = page.read_text(encoding="utf-8")
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "old" not in written
    assert "shiv" in written


def points(count: int) -> Sequence[Point]:
    return [Point(name=f"<image {number}>", x=10, y=1 + number / 100, is_ours=number == 0) for number in range(count)]


def test_a_plot_shows_every_point_once_and_escapes_its_name() -> None:
    drawn = plot(points(4), "Sizes & starts", "MB", "times")
    root = ET.fromstring(drawn)
    assert root.findtext(f"{SVG}title") == "Sizes & starts"
    names = [each.text for each in root.iter(f"{SVG}text")]
    assert {point.name for point in points(4)} <= set(names)
    assert len(list(root.iter(f"{SVG}rect"))) == 1
    assert len(list(root.iter(f"{SVG}circle"))) == 3
    assert plot(points(4), "Sizes & starts", "MB", "times") == drawn


def test_names_cover_no_other() -> None:
    taken: list[Box] = []
    for number in range(6):
        box = free_place(f"image {number}", 300.0, 200.0 + number, taken)
        assert not any(box.meets(other) for other in taken)
        taken.append(box)


def test_an_axis_is_logarithmic_and_has_round_figures() -> None:
    axis = Axis(low=1, high=100, start=0, end=200)
    assert [axis.place(figure) for figure in (1, 10, 100)] == [0, 100, 200]
    assert axis.ticks() == [1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100]


def workshop(tmp_path: Path, left_out: Mapping[str, Sequence[str]]) -> Workshop:
    [peer] = [each for each in PEERS.peers if each.key == "nuitka-onefile"]
    return Workshop(folder=tmp_path, peers=replace(PEERS, peers=[replace(peer, left_out=left_out)]))


@pytest.mark.parametrize(
    ("left_out", "is_tried", "expected"),
    [
        ({}, True, ["twice"]),
        ({"django-notes": ["change"]}, True, ["twice", "change"]),
        ({"django-notes": ["build"]}, False, ["twice", "build"]),
        ({"sample-app": ["build"]}, True, ["twice"]),
    ],
    ids=["none", "a step", "all steps", "another project"],
)
def test_what_is_left_out_with_a_project(
    tmp_path: Path, left_out: Mapping[str, Sequence[str]], is_tried: bool, expected: Sequence[str]
) -> None:
    [django] = [one for one in PROJECTS if one.name == "django-notes"]
    shop = workshop(tmp_path, left_out)
    assert every_way(shop, django)[0].left_out == expected
    assert ("nuitka-onefile" in {way.key for way in all_ways(shop, django)}) is is_tried


def test_steps_that_are_left_out_are_steps() -> None:
    of_peers = itertools.chain.from_iterable(each.left_out.values() for each in PEERS.peers)
    of_projects = (one.left_out for one in PROJECTS)
    assert set(itertools.chain.from_iterable([*of_peers, *of_projects])) <= set(BUILDS)
    assert {name for each in PEERS.peers for name in each.left_out} <= {one.name for one in PROJECTS}


def test_a_column_of_which_nothing_was_measured_is_not_shown() -> None:
    columns = [column for column in COLUMNS if column.title in ("on disk, MB", "requests/s")]
    assert table([row("one")], columns, "shop") == "| shop | on disk, MB |\n|---|---|\n| one | 1.00 |\n"


def test_who_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(BenchError) as caught:
        run(["sleep", "60"], tmp_path, 0.1)
    assert str(caught.value) == "sleep 60 … did not end within 0.1 seconds."


def test_who_fails_in_between_has_no_figures_and_the_others_go_on() -> None:
    asked: list[str] = []

    def find(variant: Variant) -> float:
        asked.append(variant.name)
        if variant.name == "frail" and asked.count("frail") == 2:
            raise BenchError("frail gave no answer.")
        return float(len(asked))

    said: list[str] = []
    variants = [Variant(name=name, command=[]) for name in (REFERENCE, "frail", "ours")]
    figures = of_those_that_answer(variants, 3, find, said.append)
    assert {name: len(each) for name, each in figures.items()} == {REFERENCE: 3, "ours": 3}
    assert said == ["frail: frail gave no answer."]
    assert asked.count("frail") == 2


def test_nothing_is_compared_without_plain_python() -> None:
    def find(variant: Variant) -> float:
        raise BenchError(f"{variant.name} gave no answer.")

    with pytest.raises(BenchError) as caught:
        of_those_that_answer([Variant(name=REFERENCE, command=[])], 1, find, print)
    assert str(caught.value) == f"{REFERENCE} gave no answer."
