"""The list of Pythons, and the table of what came of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from bench.pythons import BEGIN, PAGE, PROJECT, Python, Tried, last_of, lay_out, read_pythons, read_tried, table, why
from bench.server import BenchError
from pystatic_tasks import load_config

WORKS = Tried(version="3.13.5", day="2026-11-29", size_bytes={"onefile": 6_520_000, "tree": 23_280_000}, messages={})


def test_each_has_a_name_of_its_own_and_is_had_in_one_way() -> None:
    every = read_pythons()
    assert len({one.name for one in every}) == len(every)
    for one in every:
        assert bool(one.packages) is bool(one.suite)
        assert not (one.prefix and not one.suite)


def test_the_page_has_a_place_for_the_table() -> None:
    assert BEGIN in PAGE.read_text(encoding="utf-8")


def test_the_project_is_the_sample_app(tmp_path: Path) -> None:
    lay_out(tmp_path / "project")
    [image] = load_config(tmp_path / "project")
    assert (image.name, image.app) == (PROJECT["name"], "random_number.api:app")
    assert (tmp_path / "project/sample_app/pyproject.toml").is_file()


def test_the_last_of_a_pattern_is_taken_in_the_system_that_is_meant(tmp_path: Path) -> None:
    for version in ("3.13.0", "3.13.2"):
        (tmp_path / "opt" / version / "bin").mkdir(parents=True)
    assert last_of(tmp_path, "/opt/3.13.*/bin") == tmp_path / "opt/3.13.2/bin"
    with pytest.raises(BenchError) as caught:
        last_of(tmp_path, "/opt/3.14.*/bin")
    assert str(caught.value) == "there is no /opt/3.14.*/bin"


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        (
            "nox > Session freeze aborted: It is old.\nMend it.\n",
            "Session freeze aborted: It is old.\nMend it.",
        ),
        (
            "ERROR: one\nERROR: Failed to build x\nnox > Session freeze failed.\n"
            "nox > Session image aborted: Prerequisite session freeze was not successful.\n",
            "ERROR: Failed to build x",
        ),
    ],
)
def test_what_failed_is_told_by_whoever_knew(printed: str, message: str) -> None:
    assert why(printed) == message


def test_the_table_says_what_works_how_large_it_is_and_when_that_was(tmp_path: Path) -> None:
    debian = Python(name="Debian 13", source="its packages", python="/usr/bin/python3.13", remarks="a|b")
    other = Python(name="other", source="made", python="/opt/python")
    message = "Session freeze aborted: it does not work.\nMend it."
    fails = Tried(version="3.9", day="2026-11-29", size_bytes={"tree": 1_000_000}, messages={"onefile": message})
    assert table([debian, other], {"Debian 13": WORKS, "other": fails}).splitlines()[2:] == [
        "| Debian 13 | 3.13.5 | its packages | 6.52 | 23.28 | 2026-11-29 | a\\|b |",
        "| other | 3.9 | made |  | 1.00 | 2026-11-29 | Session freeze aborted: it does not work. |",
    ]
    (tmp_path / "results.json").write_text(json.dumps({"Debian 13": asdict(WORKS)}), encoding="utf-8")
    assert read_tried(tmp_path / "results.json") == {"Debian 13": WORKS}
    assert read_tried(tmp_path / "nowhere.json") == {}
