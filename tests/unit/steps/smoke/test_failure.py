from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import Repair
from pystatic_tasks.steps.results import Check
from pystatic_tasks.steps.smoke.failure import expected_otherwise, failure
from pystatic_tasks.steps.smoke.runs import Run

GOOD = Check(name="not root", passed=True, seen="user 65535")
BAD = Check(name="GET /", passed=False, seen="answered 500, expected 200")
LARGE = Check(name="within budget", passed=False, seen="8.10 MB, budget 8.00 MB")
LOG = "its log, in full in build/pystatic/shop/smoke.log, ends with:"


def shop(root: Path) -> ImageConfig:
    return ImageConfig(root=root, project=root, name="shop", app="shop:app", packer="staticx")


def run(*checks: Check, output: str = "") -> Run:
    return Run(user="1:1", startup_ms=None, checks=checks, output=output)


def test_a_broken_contract_is_told_once_with_the_end_of_the_log(tmp_path: Path) -> None:
    runs = [run(GOOD, BAD, output="".join(f"line {n}\n" for n in range(30))), run(BAD, output="second run")]
    log = "".join(f"  | line {n}\n" for n in range(10, 30))
    assert str(failure(shop(tmp_path), [LARGE], runs)) == (
        "shop broke its contract:\n"
        "  within budget: 8.10 MB, budget 8.00 MB\n"
        "  GET /: answered 500, expected 200\n"
        "  its log, in full in build/pystatic/shop/smoke.log, ends with:\n"
        f"{log}"
        "All results are in dist/pystatic/shop/smoke.json."
    )


def test_the_log_is_that_of_the_run_that_failed(tmp_path: Path) -> None:
    error = failure(shop(tmp_path), [], [run(GOOD, output="first"), run(BAD, output="second")])
    assert error.details == ("GET /: answered 500, expected 200", LOG, "| second")


def test_answers_that_differ_each_time_can_be_declared(tmp_path: Path) -> None:
    check = Check(name="GET /", passed=False, seen='lacks "Feld", which the plain program answered')
    assert failure(shop(tmp_path), [], [run(check)]).remedy == (
        "If these answers differ each time, set text or json of the request to what they must contain."
    )


def test_what_fails_without_a_run_shows_no_log(tmp_path: Path) -> None:
    assert str(failure(shop(tmp_path), [LARGE], [run(GOOD, output="fine")])) == (
        "shop broke its contract:\n"
        "  within budget: 8.10 MB, budget 8.00 MB\n"
        "All results are in dist/pystatic/shop/smoke.json."
    )


def test_what_the_log_suggests_is_the_remedy(tmp_path: Path) -> None:
    error = failure(shop(tmp_path), [], [run(BAD, output="No module named 'yaml'")])
    assert '  hidden-imports = ["yaml"]' in error.remedy.splitlines()
    assert error.repairs == (Repair(table="freeze", key="hidden-imports", value=("yaml",)),)
    assert error.exit_code == 7


def test_the_logs_of_all_runs_that_failed_are_read(tmp_path: Path) -> None:
    runs = [run(BAD, output="No module named 'a'"), run(GOOD, output="No module named 'b'")]
    runs.append(run(BAD, output="No module named 'c'"))
    assert failure(shop(tmp_path), [], runs).repairs == (
        Repair(table="freeze", key="hidden-imports", value=("a", "c")),
    )


@pytest.mark.parametrize(
    ("name", "seen", "advice"),
    [
        (
            "GET /",
            "answered 404, expected 200",
            "Request a path that the service has, or declare this answer in [tool.pystatic-tasks]: "
            'smoke.requests = [{ path = "/", status = 404 }]',
        ),
        (
            "GET /",
            "answered 422 'no id', expected 200",
            "Request a path that the service has, or declare this answer in [tool.pystatic-tasks]: "
            'smoke.requests = [{ path = "/", status = 422 }]',
        ),
        (
            "POST /",
            "answered 500, expected 201; the plain program answered so too",
            "The program also fails like this before it is frozen: correct the program or smoke.requests.",
        ),
        ("GET /", "answered 500, expected 200", ""),
        ("POST /", "answered 404, expected 200", ""),
        ("GET /", "no answer", ""),
        ("GET /", "answered 'x', expected it to contain 'y'", ""),
        ("TERM ends it", "exit code 1", ""),
    ],
)
def test_an_answer_that_nobody_declared_may_be_right(name: str, seen: str, advice: str) -> None:
    assert expected_otherwise([Check(name=name, passed=False, seen=seen)]) == advice


def test_the_repair_is_called_as_the_user_calls_smoke(tmp_path: Path) -> None:
    (tmp_path / "plugins.py").touch()
    output = "ModuleNotFoundError: No module named 'plugins'"
    text = str(failure(shop(tmp_path), [], [run(BAD, output=output)], fix="inv smoke --fix"))
    assert 'let "inv smoke --fix" repair it.' in text
