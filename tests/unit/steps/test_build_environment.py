from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.in_env.modules import STATICX
from pystatic_tasks.in_env.protocol import RefusedError, StaticExecutable, StaticxQuestion
from pystatic_tasks.steps import build_environment
from pystatic_tasks.steps.build_environment import IN_ENV, ask, site_packages, tools

QUESTION = StaticxQuestion(
    program="/größe", output="/out", libraries=("/x.so",), strip=True, own_packages=("shop",), kept="/kept"
)


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A Python that writes down what it is called with, answers with what is prepared, and ends with the code 3."""
    path = tmp_path / "python"
    answer = f'cp "{tmp_path}/prepared.json" "$5" 2> {os.devnull}'
    path.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/called"\necho told\n{answer}\nexit 3\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def ask_for_packed(python: Path, **options: Any) -> tuple[int, StaticExecutable | None]:
    folder = python.parent
    return ask(python, STATICX, QUESTION, folder=folder / "work", log=folder / "log", verbose=False, **options)


def test_a_question_goes_there_and_the_answer_comes_back(python: Path, tmp_path: Path) -> None:
    (tmp_path / "prepared.json").write_text('{"system": ["/lib/libc.so.6"]}', encoding="utf-8")
    assert ask_for_packed(python) == (3, StaticExecutable(system=("/lib/libc.so.6",)))
    asked, answered = tmp_path / "work/pack.staticx.question.json", tmp_path / "work/pack.staticx.answer.json"
    assert (tmp_path / "called").read_text(encoding="utf-8") == f"-I {IN_ENV}/boot.py pack.staticx {asked} {answered}\n"
    assert json.loads(asked.read_text(encoding="utf-8")) == {
        "program": "/größe",
        "output": "/out",
        "libraries": ["/x.so"],
        "strip": True,
        "own_packages": ["shop"],
        "kept": "/kept",
    }
    assert (tmp_path / "log").read_text(encoding="utf-8") == "told\n"
    # It may contain credentials.
    assert not answered.exists()


def test_an_answer_of_earlier_times_is_none(python: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/pack.staticx.answer.json").write_text("{}", encoding="utf-8")
    assert ask_for_packed(python) == (3, None)


def test_why_there_is_no_other_answer_is_raised(python: Path, tmp_path: Path) -> None:
    (tmp_path / "prepared.json").write_text('{"problem": "No room."}', encoding="utf-8")
    with pytest.raises(RefusedError, match=r"^No room\.$"):
        ask_for_packed(python)


def test_python_may_be_called_otherwise(python: Path, tmp_path: Path) -> None:
    ask_for_packed(python, arguments=["-m", "x"])
    assert (tmp_path / "called").read_text(encoding="utf-8").startswith("-m x pack.staticx ")


def test_packages_are_found_by_the_interpreter(tmp_path: Path) -> None:
    for name in ("python3.12", "python3.13t"):
        (tmp_path / "lib" / name / "site-packages").mkdir(parents=True)
    assert site_packages(tmp_path / "bin" / "python") == [
        tmp_path / "lib/python3.12/site-packages",
        tmp_path / "lib/python3.13t/site-packages",
    ]


def test_another_tool_or_another_place_of_libraries_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("strip", "objcopy", "ldd"):
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    first = tools()
    assert first == tools()
    (tmp_path / "strip").write_text("newer", encoding="utf-8")
    second = tools()
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt")
    assert first != second != tools()


@pytest.mark.parametrize("place", ["libz.so.1", "libz.so", "glibc-hwcaps/x86-64-v3/libz.so.1.3"])
def test_a_library_that_goes_before_another_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/nowhere::{tmp_path}")
    first = tools()
    library = tmp_path / place
    library.parent.mkdir(parents=True, exist_ok=True)
    library.write_bytes(b"1")
    second = tools()
    library.write_bytes(b"22")
    assert first != second != tools()
    (tmp_path / "notes.txt").touch()
    assert tools() == tools()


def test_the_loaders_cache_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_environment, "CACHE_OF_LIBRARIES", str(tmp_path / "ld.so.cache"))
    first = tools()
    (tmp_path / "ld.so.cache").touch()
    assert tools() != first
