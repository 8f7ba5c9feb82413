from __future__ import annotations

import sys
import tarfile
import tracemalloc
import unicodedata

import pytest

from pystatic_tasks.oci import tar_entries
from pystatic_tasks.oci.tar_entries import CONTROL, Root, problem


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("shop", ""),
        ("usr/local/lib/libx.so", "libx.so.1"),
        ("usr/lib/libx.so", "../local/lib/libx.so.1"),
        ("a/b/c", "../.."),
        ("etc/..hidden", "..more"),
        ("größe 1", ""),
    ],
)
def test_what_stays_below_the_root_may_be_written(name: str, link: str) -> None:
    assert problem(name, link) == ""


@pytest.mark.parametrize(
    ("name", "link", "text"),
    [
        ("../x", "", "is not a path below the root"),
        ("a/../../x", "", "is not a path below the root"),
        ("a/./x", "", "is not a path below the root"),
        ("/etc/passwd", "", "is not a path below the root"),
        ("a//x", "", "is not a path below the root"),
        ("", "", "is not a path below the root"),
        ("a\nb", "", "has a control character in its name"),
        ("a\0b", "", "has a control character in its name"),
        ("a\x1b[2J", "", "has a control character in its name"),
        ("a", "b\nc", "has a control character in its name"),
        ("a\udcff", "", "has a name that is not UTF-8"),
        ("a", "b\udcff", "has a name that is not UTF-8"),
        ("etc/x", "/etc/shadow", "is a link to the absolute path /etc/shadow"),
        ("etc/x", "../../x", "is a link out of the root, to ../../x"),
        ("x", "..", "is a link out of the root, to .."),
        ("a/x", "b/../../../y", "is a link out of the root, to b/../../../y"),
        ("x", "/a\u202eb", r"is a link to the absolute path /a\u202eb"),
        ("x", f"/{'y/' * 99}", f"is a link to the absolute path /{'y/' * 49}y…"),
        ("x", f"../a\u202eb{'/y' * 99}", r"is a link out of the root, to ../a\u202eb" + "/y" * 47 + "…"),
        ("x" * 256, "", "has a name that is too long, or too many levels"),
        ("x", "x/" * 2048, "has a name that is too long, or too many levels"),
        ("/".join("x" * 257), "", "has a name that is too long, or too many levels"),
        ("a/.wh.b", "", "is the mark of a removed file"),
        (".wh..wh..opq", "", "is the mark of a removed file"),
    ],
)
def test_what_could_leave_the_root_is_refused(name: str, link: str, text: str) -> None:
    assert problem(name, link) == text


@pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="this Python has no tarfile.data_filter")
@pytest.mark.parametrize(("name", "link"), [("a", ""), ("a/b", "../c"), ("../a", ""), ("a", "/b"), ("a", "../b")])
def test_it_takes_nothing_that_pythons_own_filter_refuses(name: str, link: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = (tarfile.SYMTYPE, link) if link else (tarfile.REGTYPE, "")
    try:
        tarfile.data_filter(entry, "/nowhere")
        refused = False
    except tarfile.FilterError:
        refused = True
    assert bool(problem(name, link)) is refused


def wrong_links(**links: str) -> dict[str, str]:
    """Of links in the folder a; there are the folders a/b and c too."""
    root = Root()
    for name in ("a/b", "c"):
        root.add(name, is_folder=True)
    assert [root.add(f"a/{name}", link=target) for name, target in links.items()] == [""] * len(links)
    return dict(root.wrong_links())


@pytest.mark.parametrize(
    "links",
    [
        {"l": "b/../../c", "m": "l/../c"},
        {"up": "..", "l": "up/c"},
        {"l": "m/x", "m": "../c"},
        {"dangling": "nowhere/x", "l": "dangling/../b"},
    ],
)
def test_links_that_stay_below_the_root_may_lead_through_one_another(links: dict[str, str]) -> None:
    assert wrong_links(**links) == {}


@pytest.mark.parametrize(
    ("links", "wrong"),
    [
        ({"up": "..", "l": "up/.."}, {"a/l": "is a link out of the root, through other links"}),
        ({"up": "..", "on": "up", "l": "b/../on/../x"}, {"a/l": "is a link out of the root, through other links"}),
        ({"l": "l"}, {"a/l": "is a link that leads in circles"}),
        ({"l": "m/x", "m": "l"}, dict.fromkeys(["a/l", "a/m"], "is a link that leads in circles")),
    ],
)
def test_links_that_lead_out_through_one_another_are_found(links: dict[str, str], wrong: dict[str, str]) -> None:
    assert wrong_links(**links) == wrong


def test_links_that_double_one_another_are_soon_given_up() -> None:
    links = {f"l{number}": f"l{number + 1}/../" * 2 + f"l{number + 1}" for number in range(60)}
    assert set(wrong_links(**links).values()) == {"is a link that leads in circles"}


def test_many_links_through_many_others_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    links = {"l0": "x", **{f"l{each}": f"l{each - 1}" for each in range(1, 100)}}
    steps = sum(range(1, 102)) * 2
    monkeypatch.setattr(tar_entries, "MOST_STEPS_OF_ALL", steps)
    assert wrong_links(**links) == {}
    monkeypatch.setattr(tar_entries, "MOST_STEPS_OF_ALL", steps // 2)
    assert set(wrong_links(**links).values()) == {"is a link beside too many others that lead through one another"}


def test_a_later_entry_takes_the_place_of_a_link() -> None:
    root = Root()
    assert [root.add("a/up", link=".."), root.add("l", link="a/up/.."), root.add("a/up")] == ["", "", ""]
    assert list(root.wrong_links()) == []


def test_control_characters_are_those_of_unicode() -> None:
    letters = map(chr, range(sys.maxunicode + 1))
    assert all(unicodedata.category(each) != "Cc" for each in CONTROL.sub("", "".join(letters)))
    assert len([each for each in map(chr, range(256)) if CONTROL.match(each)]) == 65


def test_the_folders_that_names_imply_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_entries, "MOST_MEMBERS", 5)
    root = Root()
    assert [root.add(name) for name in ("a/b/c", "a/b/d", "a/b/d", "e")] == [
        *["", "", ""],
        "makes more than 5 entries and folders",
    ]


def test_a_folder_takes_few_bytes() -> None:
    tail = "/".join("x" * 250)
    tracemalloc.start()
    try:
        root = Root()
        assert {root.add(f"{number}/{tail}") for number in range(40)} == {""}
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 40 * 251 * 300
