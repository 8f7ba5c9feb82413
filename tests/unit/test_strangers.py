"""The list of strangers: complete, and nothing in it that would make it easy for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bench.stranger import SETTINGS, STRANGERS, TARGETS, Stranger, lay_out, read_strangers
from bench.strangers import BEGIN, END, PAGE, Tried, deciding, opening, read_results, table, write_results, write_table
from pystatic_tasks import load_config
from pystatic_tasks.config.model import Freeze
from pystatic_tasks.config.project import parse_toml, read_pyproject

ALL = read_strangers()
TABLES: list[dict[str, Any]] = parse_toml(STRANGERS.read_text(encoding="utf-8"))["stranger"]
OURS = {"name", "kind", "requirements", "env", "files"}
each_of_them = pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)


def test_there_are_thirty_nine() -> None:
    assert len({one.name for one in ALL}) == len(ALL) == 39


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table["name"]))
def test_they_are_configured_by_a_target_and_what_is_asked(table: dict[str, Any]) -> None:
    assert set(table) <= {*OURS, *SETTINGS}
    assert len(set(table) & set(TARGETS)) == 1
    assert set(table.get("server", {})) <= {"kind"}


@each_of_them
def test_they_are_asked_something(one: Stranger) -> None:
    assert len(one.smoke.get("requests", [])) >= 2 or ("app" not in one.settings and one.smoke["stdout"])


@each_of_them
def test_their_configuration_is_one(one: Stranger, tmp_path: Path) -> None:
    lay_out(one, tmp_path)
    [config] = load_config(tmp_path)
    assert config.name == one.name
    assert config.freeze == Freeze()


@each_of_them
def test_their_versions_are_pinned(one: Stranger) -> None:
    assert [
        each for each in one.requirements if not re.fullmatch(r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==[0-9.]+(b[0-9]+)?", each)
    ] == []


def test_their_ports_are_their_own() -> None:
    ports = [one.smoke["port"] for one in ALL if "port" in one.smoke]
    assert len(set(ports)) == len(ports)


def test_a_project_holds_what_is_declared(tmp_path: Path) -> None:
    one = next(each for each in ALL if each.name == "connexion")
    lay_out(one, tmp_path)
    found = read_pyproject(tmp_path)["tool"]["pystatic-tasks"]
    assert found == {"name": "connexion", "app": "greetings:app", "smoke": dict(one.smoke)}
    assert (tmp_path / "requirements.txt").read_text(encoding="utf-8") == "connexion[flask,swagger-ui]==3.3.0\n"
    assert (tmp_path / "openapi.yaml").is_file()


PRINTED = """\
nox > Running session freeze
nox > Session freeze was successful in 3 seconds.
nox > Running session smoke
nox > as user 65535:65535
nox > Session smoke aborted: shop broke its contract:
  GET /: answered 500, expected 200
The program opens "shop/a.txt", which is not in the image. Put this into pyproject.toml:
  data = ["a|b"]
  image.timezones = true
Then run the session again (took 9 seconds).
nox > Running session push
nox > Session push aborted: Prerequisite session smoke was not successful.
nox > Ran 4 sessions in 9 seconds:
"""


def test_what_decides_is_the_first_error() -> None:
    message = deciding(PRINTED).splitlines()
    assert message[0] == "Session smoke aborted: shop broke its contract:"
    assert message[-1] == "Then run the session again."
    assert deciding("Traceback\nKeyError: 3\n") == "Traceback\nKeyError: 3"


def test_the_table_says_what_had_to_be_said(tmp_path: Path) -> None:
    shop, worker, other = (
        Stranger(name=name, kind="shop", requirements=[], settings={}, env={}, files={})
        for name in ("shop", "worker", "other")
    )
    works = Tried(layout="tree", works=True, seconds=9.0, size_bytes=23_450_000, startup_ms=200)
    fails = Tried(layout="onefile", works=False, seconds=9.0, message=deciding(PRINTED))
    refused = Tried(layout="tree", works=False, seconds=9.0, message="Session freeze aborted: there is no a|b")
    text = table([shop, worker, other], {"shop": [works], "worker": [works, fails], "other": [refused]})
    assert text.splitlines()[2:] == [
        "| shop | shop |  | 23.4 | 200 | works at once |",
        '| worker | shop |  | 23.4 | 200 | onefile: `data = ["a\\|b"]`, `image.timezones = true` |',
        "| other | shop |  |  |  | Session freeze aborted: there is no a\\|b |",
    ]
    assert opening("shop broke its contract:\n  GET /: no answer\nlog") == "shop broke its contract: GET /: no answer"
    write_results(tmp_path / "build/results.json", {"shop": [works]})
    write_results(tmp_path / "build/results.json", {"shop": [fails], "worker": [fails]})
    assert (tmp_path / "build/results.json").read_text(encoding="utf-8").count('"works": false') == 2
    assert read_results(tmp_path / "build/results.json") == {
        "shop": {"tree": works, "onefile": fails},
        "worker": {"onefile": fails},
    }


def test_the_table_has_its_place_on_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{BEGIN}old\n{END}\nafter größe\n", encoding="utf-8")
    write_table(page, "| new |\n")
    assert page.read_text(encoding="utf-8") == f"before\n\n{BEGIN}\n| new |\n\n{END}\nafter größe\n"
    assert BEGIN in PAGE.read_text(encoding="utf-8")
