from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.engines.base import Exit
from pystatic_tasks.oci.archive import write_archive
from pystatic_tasks.oci.compression import gzip
from pystatic_tasks.oci.layers import Entry, make_layer
from pystatic_tasks.oci.manifest import Runtime, make_image
from pystatic_tasks.steps.logged_errors import same_each_time
from pystatic_tasks.steps.results import Check
from pystatic_tasks.steps.smoke.contract import (
    check_budget,
    check_files,
    check_health,
    check_leftovers,
    check_log,
    check_stop,
    check_users,
)

TRACEBACK = "Traceback (most recent call last):"
GUNICORN = "[2026-01-01 10:00:00 +0000] [7] "


def archive(path: Path, *files: tuple[str, int], link: str = "") -> Path:
    """An archive of an image with these files, each in a layer of its own."""
    content = None if link else b""
    entries = [Entry(path=name, mode=mode, content=content, link=link) for name, mode in files]
    layers = [make_layer("x", [entry], 0, {"gzip": gzip}) for entry in entries]
    runtime = Runtime(platform="linux/amd64", user="1:1", entrypoint=["/shop"], env=[], ports=[], labels={})
    path.write_bytes(write_archive(make_image(layers, runtime, 0, "gzip"), []))
    return path


@pytest.mark.parametrize(
    ("users", "passed", "seen"),
    [
        ({"65535"}, True, "user 65535"),
        ({"2", "1"}, True, "user 1, 2"),
        ({"0"}, False, "user 0"),
        ({"root", "65535"}, False, "user 65535, root"),
        ({"1000", "0"}, False, "user 0, 1000"),
        (set(), False, "no process found"),
    ],
)
def test_no_process_may_be_roots(users: set[str], passed: bool, seen: str) -> None:
    assert check_users(users) == Check(name="not root", passed=passed, seen=seen)


@pytest.mark.parametrize("output", ["", f"{GUNICORN}[INFO] Starting gunicorn\n", "GET /ERROR 200\n", "CRITICAL path\n"])
def test_a_quiet_log_passes(output: str) -> None:
    assert check_log(output, "gunicorn") == Check(name="no errors logged", passed=True, seen="none")


@pytest.mark.parametrize(
    "line",
    [f"{GUNICORN}[ERROR] Exception", f"{GUNICORN}[CRITICAL] WORKER TIMEOUT", TRACEBACK],
)
def test_the_first_error_in_the_log_is_shown(line: str) -> None:
    output = f"{GUNICORN}[INFO] Starting\n{line}\n{GUNICORN}[ERROR] another\n"
    assert check_log(output, "gunicorn") == Check(name="no errors logged", passed=False, seen=line)


def test_a_warning_may_have_a_traceback() -> None:
    warning = f"{GUNICORN}[WARNING] Error sending message to statsd\n{TRACEBACK}\nConnectionRefusedError\n"
    assert check_log(warning, "gunicorn").passed
    assert not check_log(f"{warning}{TRACEBACK}\n", "gunicorn").passed
    assert not check_log(f"{GUNICORN}[WARNING] late\n{GUNICORN}[ERROR] Exception\n", "gunicorn").passed


@pytest.mark.parametrize(
    ("line", "passed"),
    [
        ("INFO:     Application startup complete.", True),
        ('INFO:     127.0.0.1:5 - "GET /ERROR: x HTTP/1.1" 200 OK', True),
        ("WARNING:  Invalid HTTP request received.", True),
        (f"WARNING:  late\n{TRACEBACK}", True),
        ("ERROR:    Exception in ASGI application", False),
        ("CRITICAL: out", False),
        (TRACEBACK, False),
    ],
)
def test_each_server_has_its_own_levels(line: str, passed: bool) -> None:
    assert check_log(f"INFO:     Started\n{line}\n", "uvicorn").passed is passed


@pytest.mark.parametrize(
    ("code", "seconds", "passed", "seen"),
    [
        (0, 0.24, True, "exit code 0 after 0.2 s"),
        (143, 0.24, True, "exit code 143 after 0.2 s"),
        (143, 10.0, False, "exit code 143 after 10.0 s"),
        (3, 0.24, False, "exit code 3 after 0.2 s"),
        (130, 0.24, False, "exit code 130 after 0.2 s"),
        (137, 10.01, False, "exit code 137 after 10.0 s"),
        (0, 10.0, False, "exit code 0 after 10.0 s"),
    ],
)
def test_term_must_end_it_in_time_and_in_order(code: int, seconds: float, passed: bool, seen: str) -> None:
    assert check_stop(Exit(code=code, seconds=seconds)) == Check(name="TERM ends it", passed=passed, seen=seen)


@pytest.mark.parametrize(("seconds", "passed"), [(0.2, True), (10.0, False)])
def test_what_term_ended_may_have_another_code_if_its_log_says_so(seconds: float, passed: bool) -> None:
    assert check_stop(Exit(code=2, seconds=seconds), by_term=True).passed is passed


@pytest.mark.parametrize(
    ("leftovers", "seen"),
    [
        (["_MEI1"], "_MEI1"),
        (["_MEI1", "_MEI1/x", "own.txt", "staticx-a"], "_MEI1, _MEI1/x, staticx-a"),
        (["_MEI1", "_MEI2", "_MEI3", "_MEI4"], "_MEI1, _MEI2, _MEI3 …"),
    ],
)
def test_what_was_unpacked_into_tmp_and_left_is_named(leftovers: list[str], seen: str) -> None:
    found = check_leftovers(leftovers, "staticx-|_MEI")
    assert found == Check(name="nothing left in /tmp", passed=False, seen=seen)


@pytest.mark.parametrize(("leftovers", "unpacked"), [([], "_MEI"), (["own.txt", "own_MEI"], "_MEI"), (["_MEI1"], "")])
def test_what_the_program_itself_leaves_in_tmp_is_its_own(leftovers: list[str], unpacked: str) -> None:
    assert check_leftovers(leftovers, unpacked) == Check(name="nothing left in /tmp", passed=True, seen="empty")


@pytest.mark.parametrize(("code", "passed"), [(0, True), (1, False), (127, False)])
def test_the_health_check_must_end_with_zero(code: int, passed: bool) -> None:
    assert check_health(code) == Check(name="health check answers", passed=passed, seen=f"exit code {code}")


def test_an_image_without_shell_and_set_uid_files_passes(tmp_path: Path) -> None:
    image = archive(tmp_path / "image.tar", ("/shop", 0o755), ("/etc/passwd", 0o644), ("/tmp/sticky", 0o1755))
    assert check_files(image) == [
        Check(name="no shell", passed=True, seen="3 files"),
        Check(name="no set-uid file", passed=True, seen="3 files"),
    ]


@pytest.mark.parametrize("name", ["bin/sh", "usr/local/bin/bash", "busybox"])
def test_a_shell_is_found_in_whatever_layer_it_stands(tmp_path: Path, name: str) -> None:
    image = archive(tmp_path / "image.tar", ("/shop", 0o755), (f"/{name}", 0o755))
    assert check_files(image)[0] == Check(name="no shell", passed=False, seen=name)


def test_a_link_with_the_name_of_a_shell_is_one(tmp_path: Path) -> None:
    image = archive(tmp_path / "image.tar", ("/bin/sh", 0o777), link="shop")
    assert [check.passed for check in check_files(image)] == [False, True]


@pytest.mark.parametrize("name", ["/shop.sh", "/sh/notes", "/english"])
def test_a_name_that_only_looks_like_a_shells_passes(tmp_path: Path, name: str) -> None:
    assert check_files(archive(tmp_path / "image.tar", (name, 0o755)))[0].passed


def test_the_program_itself_may_be_called_as_a_shell(tmp_path: Path) -> None:
    image = archive(tmp_path / "image.tar", ("/dash", 0o755), ("/bin/dash", 0o755))
    assert check_files(image, "dash")[0] == Check(name="no shell", passed=False, seen="bin/dash")
    assert check_files(archive(tmp_path / "other.tar", ("/dash", 0o755)), "dash")[0].passed


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o6755])
def test_a_file_that_gives_rights_away_is_found(tmp_path: Path, mode: int) -> None:
    image = archive(tmp_path / "image.tar", ("/shop", mode), ("/ping", mode))
    assert check_files(image)[1] == Check(name="no set-uid file", passed=False, seen="ping, shop")


@pytest.mark.parametrize(
    ("sizes", "budgets", "passed", "seen"),
    [
        ((7_900_000, 7_000_000), (8_000_000, None), True, "7.90 MB, budget 8.00 MB"),
        ((8_000_000, 7_000_000), (8_000_000, None), True, "8.00 MB, budget 8.00 MB"),
        ((8_100_000, 7_000_000), (8_000_000, None), False, "8.10 MB, budget 8.00 MB"),
        ((8_100_000, 7_000_000), (None, None), True, "8.10 MB, no budget"),
        ((8_100_000, 7_000_000), (None, 7_000_000), True, "7.00 MB on the wire, budget 7.00 MB"),
        (
            (8_100_000, 7_100_000),
            (9_000_000, 7_000_000),
            False,
            "8.10 MB, budget 9.00 MB; 7.10 MB on the wire, budget 7.00 MB",
        ),
    ],
)
def test_the_image_must_be_within_its_budgets(
    sizes: tuple[int, int], budgets: tuple[int | None, int | None], passed: bool, seen: str
) -> None:
    assert check_budget(sizes, budgets) == Check(name="within budget", passed=passed, seen=seen)


def test_an_error_that_the_plain_program_logs_too_is_not_the_images() -> None:
    error = f"{GUNICORN}[ERROR] Error handling request /7"
    output = f'{error}\n{TRACEBACK}\n  File "a.py", line 5\n    x()\nKeyError: 5\nmore\n'
    known = ["KeyError: 0", same_each_time(error)]
    assert check_log(output, "gunicorn", known) == Check(
        name="no errors logged", passed=True, seen="none that the plain program does not log too"
    )
    assert check_log(output, "gunicorn", known[:1]).seen == error
    assert check_log(output, "gunicorn", known[1:]).seen == TRACEBACK


def test_a_secret_in_an_error_hides_neither_it_nor_that_it_is_known() -> None:
    error = f"{GUNICORN}[ERROR] no answer from größe-of-it"
    assert not check_log(error, "gunicorn", [], ["ERROR"]).passed
    known = [same_each_time(error).replace("größe-of-it", "***")]
    assert check_log(error, "gunicorn", known, ["größe-of-it"]).passed


def test_a_secret_with_figures_is_hidden_in_what_says_which_error_it_is() -> None:
    secret = "horse-7-battery/staple"
    known = [same_each_time(f"{GUNICORN}[ERROR] no answer from ***"), "KeyError: ***"]
    output = f"{GUNICORN}[ERROR] no answer from {secret}\n{TRACEBACK}\n  x()\nKeyError: {secret}\n"
    assert check_log(output, "gunicorn", known, [secret]).passed
