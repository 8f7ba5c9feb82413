from __future__ import annotations

import io
import os
import pty
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pystatic_tasks.system import terminal as module
from pystatic_tasks.system.terminal import Terminal, add_to_job_outputs, add_to_job_summary, folded, make_terminal


@pytest.fixture
def screen() -> Iterator[tuple[io.TextIOWrapper, int]]:
    """A real terminal: what a program writes to, and the descriptor at which a person would read it."""
    reader, writer = pty.openpty()
    stream = open(writer, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    yield stream, reader
    stream.close()
    os.close(reader)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DELAY_SECONDS", 0.0)
    monkeypatch.setattr(module, "FRAME_SECONDS", 0.005)


def read_until(reader: int, text: str) -> str:
    read = ""
    end = time.monotonic() + 10
    while text not in read:
        assert time.monotonic() < end, read
        read += os.read(reader, 1000).decode()
    return read


def test_what_takes_long_is_shown_on_a_line_that_is_gone_afterwards(screen: tuple[io.TextIOWrapper, int]) -> None:
    stream, reader = screen
    with Terminal(stream=stream, live=True).activity("freezing shop") as show:
        assert "\r\x1b[K⠋ freezing shop (0 s)" in read_until(reader, "freezing shop (")
        show("compiling")
        read_until(reader, "compiling (")
        show("")
        read_until(reader, "compiling (")
    stream.write("done")
    stream.flush()
    assert read_until(reader, "done").endswith("\r\x1b[Kdone")


def test_a_line_is_never_longer_than_the_terminal(
    screen: tuple[io.TextIOWrapper, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream, reader = screen
    with Terminal(stream=stream, live=True).activity("x" * 50):
        read = read_until(reader, "⠙")
    assert f"⠋ {'x' * 17}\r" in read


def test_a_terminal_that_knows_ascii_only_is_written_to_in_ascii() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="")
    with Terminal(stream=stream, live=True).activity("freezing"):
        time.sleep(0.05)
    stream.seek(0)
    assert stream.read().startswith("\r\x1b[K| freezing (0 s)")


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DELAY_SECONDS", 10.0)
    stream = io.StringIO()
    with Terminal(stream=stream, live=True).activity("x"):
        pass
    assert stream.getvalue() == ""


def test_a_file_gets_nothing() -> None:
    stream = io.StringIO()
    with make_terminal(stream, {"TERM": "xterm"}, color=True, verbose=False).activity("x") as show:
        time.sleep(0.02)
        show("y")
    assert stream.getvalue() == ""


def test_an_error_in_between_clears_the_line_too(screen: tuple[io.TextIOWrapper, int]) -> None:
    stream, reader = screen

    def fail() -> None:
        with Terminal(stream=stream, live=True).activity("freezing"):
            read_until(reader, "freezing (")
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    stream.write("done")
    stream.flush()
    assert read_until(reader, "done").endswith("\r\x1b[Kdone")


@pytest.mark.parametrize(
    ("environment", "verbose", "live"),
    [
        ({"TERM": "xterm-256color"}, False, True),
        ({"TERM": "xterm-256color"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({}, False, False),
        ({"TERM": "xterm", "CI": "true"}, False, False),
        ({"TERM": "xterm", "GITHUB_ACTIONS": "true"}, False, False),
    ],
)
def test_a_line_is_rewritten_only_where_a_person_sees_it(
    screen: tuple[io.TextIOWrapper, int], environment: dict[str, str], verbose: bool, live: bool
) -> None:
    assert make_terminal(screen[0], environment, color=False, verbose=verbose).live is live


def test_words_are_coloured_only_where_that_is_wanted() -> None:
    assert Terminal(stream=io.StringIO(), color=True).colored("ok", "green") == "\x1b[32mok\x1b[0m"
    assert Terminal(stream=io.StringIO()).colored("ok", "green") == "ok"


def test_lines_are_folded_on_github_actions_only() -> None:
    stream = io.StringIO()
    with folded("freeze of shop", stream, {}):
        stream.write("seen\n")
    with folded("freeze of shop", stream, {"GITHUB_ACTIONS": "true"}):
        stream.write("folded\n")
    assert stream.getvalue() == "seen\n::group::freeze of shop\nfolded\n::endgroup::\n"


def test_a_fold_ends_where_an_error_is_raised() -> None:
    stream = io.StringIO()

    def fail() -> None:
        with folded("x", stream, {"GITHUB_ACTIONS": "true"}):
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert stream.getvalue() == "::group::x\n::endgroup::\n"


def test_the_summary_of_a_job_grows(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    for text in ("one\n", "two\n"):
        add_to_job_summary(text, {"GITHUB_STEP_SUMMARY": str(summary)})
    assert summary.read_text(encoding="utf-8") == "one\n\ntwo\n\n"


def test_outputs_of_a_job_are_added(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    for digest in ("sha256:1", "sha256:2"):
        add_to_job_outputs({"digest": digest, "reference": "shop"}, {"GITHUB_OUTPUT": str(outputs)})
    assert outputs.read_text(encoding="utf-8") == "digest=sha256:1\nreference=shop\ndigest=sha256:2\nreference=shop\n"


def test_without_a_job_there_is_no_summary(tmp_path: Path) -> None:
    add_to_job_summary("x", {})
    add_to_job_summary("x", {"GITHUB_STEP_SUMMARY": str(tmp_path / "nowhere" / "summary.md")})
    assert list(tmp_path.iterdir()) == []
