"""The list of suites, what is read of their runs, and the finder that keeps a program from what its tests have."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomlkit

from bench.suite import EXERCISES, NOT_RUN, RUN, Results, Suite, configuration, read_results, read_suites
from bench.suites import BEGIN, PAGE, Counted, Ran, compare, read_counted, table
from pystatic_tasks import load_config

ALL = read_suites()
WRITTEN = """\
passed\ttests/test_a.py::test_one\t''
failed\ttests/test_a.py::test_two[a b]\t"KeyError: 'gr\\xf6\\xdfe'"
skipped\ttests/test_a.py::test_three\t''
failed\ttests/test_b.py\t"ModuleNotFoundError: No module named 'x'"
"""


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_a_project_is_shown_its_tests_or_requests(one: Suite, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(tomlkit.dumps(configuration(one)), encoding="utf-8")
    (tmp_path / "requirements.txt").touch()
    by_tests, by_requests = load_config(tmp_path)
    assert (by_tests.name, by_requests.name) == EXERCISES
    assert by_tests.smoke == by_requests.smoke
    assert by_requests.observe.command == ()
    assert by_tests.observe.command[-1].startswith("cd ../suite && exec python -m pytest ")
    assert by_tests.layout == by_requests.layout == "tree"


def test_there_are_five_at_least_each_with_the_tests_of_its_version() -> None:
    assert len({one.name for one in ALL}) == len(ALL) >= 5
    for one in ALL:
        assert one.sdist == re.sub(r"\[.*\]", "", one.program.requirements[0])
        assert [each for each in one.needs if not re.fullmatch(r"[a-z0-9-]+==[0-9.]+", each)] == []


def test_what_was_written_down_is_read() -> None:
    found = read_results(WRITTEN)
    assert found.passed == {"tests/test_a.py::test_one"}
    assert found.reason("tests/test_a.py::test_two[a b]") == "KeyError: 'größe'"
    assert found.reason("tests/test_b.py::test_four") == "ModuleNotFoundError: No module named 'x'"
    assert found.reason("tests/test_c.py::test_five") == NOT_RUN


def test_what_passed_before_and_does_not_any_more_is_counted_by_its_reason() -> None:
    before = Results({f"t::{name}": "passed" for name in "abcde"} | {"t::f": "failed"}, {})
    reasons = {"t::b": "OSError: /tmp/x1/a", "t::c": "OSError: /tmp/x2/b", "t::f": "KeyError"}
    outcomes = {"t::a": "passed", "t::b": "failed", "t::c": "failed", "t::d": "skipped", "t::e": "passed"}
    assert compare(before, Results(outcomes, reasons), 9) == Ran(
        size_bytes=9, failed=3, reasons={"OSError: …": 2, NOT_RUN: 1}
    )


def test_the_table_has_a_line_for_each(tmp_path: Path) -> None:
    sizes = {"whole suite": 21.0, "whole requests": 20.0, "slim suite": 15.0, "slim requests": 12.0}
    ran = {
        name: Ran(size_bytes=int(size * 1e6), failed=number, reasons={})
        for number, (name, size) in enumerate(sizes.items())
    }
    counted = Counted(version="1.2", passed=70, ran=ran)
    assert counted.lost == 2
    assert table(ALL[:1], {ALL[0].name: counted}).splitlines()[2:] == [
        f"| {ALL[0].name} 1.2 | 70 | 0 | 2 | 3 | 21.0 | 15.0 | 12.0 |"
    ]
    assert read_counted(tmp_path / "none.json") == {}
    assert BEGIN in PAGE.read_text(encoding="utf-8")


INSIDE = """
import builtins, importlib, runpy, sys
sys.path[:] = [p for p in sys.path if "site-packages" not in p]
sys.path.append({program!r})
names = runpy.run_path({run!r})
outside = names["Outside"]({program!r}, [], {tools!r}, ["depx"])
sys.meta_path.append(outside)
outside.guard()
sys.path.insert(0, {tests!r})
import testx
"""


def test_tests_get_what_the_program_lacks_and_the_program_does_not(tmp_path: Path) -> None:
    files = {
        "program/shopx.py": "def ask():\n    import helperx\n",
        "tools/helperx.py": "",
        "tools/depx.py": "",
        "tests/testx.py": """
import helperx, shopx

for wrong in (shopx.ask, lambda: __import__("depx")):
    try:
        wrong()
    except ModuleNotFoundError as error:
        print(error)
""",
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")
    folders = {name: str(tmp_path / name) for name in ("program", "tools", "tests")}
    code = INSIDE.format(run=str(RUN), **folders)
    printed = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed.splitlines() == [
        "No module named 'helperx': only the tests have it",
        "No module named 'depx'",
    ]
