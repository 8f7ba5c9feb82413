"""The command line, run in a process of its own where its words, streams and exit codes matter."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest
from forked import Forked
from support import RUNS, tool_or_skip

from pystatic_tasks import __main__ as module
from pystatic_tasks.__main__ import main, program_name
from pystatic_tasks.fronts.nox_process import Call
from pystatic_tasks.system.findings import Finding

APP = "from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get('/')\ndef index():\n    return 'hello'\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP, encoding="utf-8")
    return tmp_path


Pystatic = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def pystatic(python: Forked) -> Pystatic:
    """Runs the command line in a folder."""
    return partial(python.run, "pystatic_tasks")


def test_init_shows_and_writes_what_the_project_needs(shop: Path, pystatic: Pystatic) -> None:
    result = pystatic("init", cwd=shop)
    assert (result.returncode, result.stderr) == (0, "")
    assert "target     shop:app (Flask, in shop.py, line 3)\n" in result.stdout
    assert "wrote pyproject.toml\n" in result.stdout
    assert "  python -m pystatic_tasks smoke  builds the image, runs it and tests it\n" in result.stdout
    assert (shop / "pyproject.toml").read_text(encoding="utf-8") == '[tool.pystatic-tasks]\napp = "shop:app"\n'


def test_a_dry_run_writes_nothing(shop: Path, pystatic: Pystatic) -> None:
    result = pystatic("init", "--dry-run", cwd=shop)
    assert result.stdout.endswith("Nothing was written: this was a dry run.\n")
    assert [path.name for path in shop.iterdir()] == ["shop.py"]


@pytest.mark.parametrize(
    ("answer", "written"), [("\n", True), ("y\n", True), ("n\n", False), ("what?\n", False), ("\x04", False)]
)
def test_whoever_sits_at_a_terminal_is_asked(shop: Path, pystatic: Pystatic, answer: str, written: bool) -> None:
    person, terminal = pty.openpty()
    os.write(person, answer.encode())
    result = pystatic("init", cwd=shop, stdin=os.ttyname(terminal))
    os.close(person)
    os.close(terminal)
    assert result.returncode == 0
    assert "Write this? [Y/n] " in result.stdout
    assert ("Nothing was written." in result.stdout) is not written
    assert (shop / "pyproject.toml").exists() is written


def test_yes_asks_nobody(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("asked"))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert main(["init", "--root", str(shop), "--yes"]) == 0
    assert "wrote pyproject.toml" in capsys.readouterr().out


def test_what_is_wrong_is_said_on_standard_error_and_by_the_exit_code(tmp_path: Path, pystatic: Pystatic) -> None:
    result = pystatic("image", cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (
        2,
        "",
        f"There is no pyproject.toml in {tmp_path}.\n"
        'Run pystatic init, or create one with at least [tool.pystatic-tasks] and app = "package.module:callable".\n',
    )


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, pystatic: Pystatic) -> None:
    result = pystatic("check", "--root", "nowhere", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (
        2,
        "There is no folder nowhere.\nName an existing folder with --root, or omit --root for the current one.\n",
    )


def test_an_unknown_word_is_refused_with_the_usage(tmp_path: Path, pystatic: Pystatic) -> None:
    result = pystatic("image", "--tga", "1.4", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: python -m pystatic_tasks")
    assert result.stderr.endswith("error: unrecognized arguments: --tga 1.4\n")


@pytest.mark.parametrize(("tools", "code"), [(("strip", "objcopy", "ldd"), 0), (("ldd",), 3)])
def test_check_says_what_the_machine_has(tmp_path: Path, pystatic: Pystatic, tools: Sequence[str], code: int) -> None:
    """With an engine that is tried at once: the real ones take their time."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in tools:
        (programs / tool).symlink_to(tool_or_skip(tool))
    (programs / "docker").write_text(f"#!/bin/sh\n{RUNS.format(version='20.10.24')}\n", encoding="utf-8")
    (programs / "docker").chmod(0o755)
    variables = {**os.environ, "PATH": str(programs)}
    result = pystatic("check", cwd=tmp_path, env=variables)
    assert "  ok       platform: linux/" in result.stdout
    assert ("  MISSING  " in result.stdout) is bool(code)
    as_json = pystatic("check", "--json", cwd=tmp_path, env=variables)
    found = json.loads(as_json.stdout)
    assert {"name", "state", "seen", "cure"} == set(found[0])
    assert any(each["state"] == "missing" for each in found) is bool(code)
    assert (result.returncode, as_json.returncode) == (code, code)


def test_check_ends_as_a_step_would_where_the_configuration_is_wrong(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = Finding(name="configuration", state="wrong", seen="1 problem", cure="Correct it.")
    monkeypatch.setattr("pystatic_tasks.init.check.check_all", lambda root: (finding,))
    assert main(["check", "--root", str(shop)]) == 2


def test_the_version_is_told(tmp_path: Path, pystatic: Pystatic) -> None:
    assert pystatic("--version", cwd=tmp_path).stdout == f"pystatic-tasks {version('pystatic-tasks')}\n"


@pytest.mark.parametrize("words", [("init", "--dry-run"), ("check",)])
def test_a_reader_that_has_read_enough_is_no_error(shop: Path, words: Sequence[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "pystatic_tasks", *words]
    variables = {**os.environ, "PATH": str(shop)}
    result = subprocess.run(command, cwd=shop, env=variables, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, b"")


def test_a_step_is_run_by_nox_with_what_was_asked_for(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Call] = []

    def run(call: Call) -> int:
        calls.append(call)
        return 7

    monkeypatch.setattr(module, "run", run)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/pystatic"])
    words = ["--tag", "1.4", "--tag", "latest", "--no-cache", "--json", "--image", "web", "--image", "worker"]
    assert main(["smoke", "--root", str(shop), *words]) == 7
    assert calls == [
        Call(
            root=shop,
            step="smoke",
            images=("web", "worker"),
            words=("--tag=1.4", "--tag=latest", "--no-cache", "--json"),
            shown_as=f"pystatic {{step}} --root {shop}",
        )
    ]


def test_what_is_for_the_program_is_passed_on(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Call] = []

    def run(call: Call) -> int:
        calls.append(call)
        return 0

    monkeypatch.setattr(module, "run", run)
    assert main(["run", "--root", str(shop), "--env", "A=1", "--", "--json", "--", "x y"]) == 0
    assert calls[0].words == ("--env=A=1", "--", "--json", "--", "x y")


@pytest.mark.parametrize("words", [["image", "--tga", "{}"], ["check", "--", "{}"]])
def test_credentials_in_words_that_are_wrong_are_hidden(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([word.format("https://me:secret@host.example") for word in words])
    assert capsys.readouterr().err.endswith(" https://***@host.example\n")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["image", "--open", "--watch"], "--open is for report, which was not requested."),
        (["smoke", "--", "x"], 'Text after the last "--" is for run and shell, which were not requested.'),
    ],
)
def test_what_a_step_does_not_take_is_told(
    shop: Path, words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([words[0], "--root", str(shop), *words[1:]]) == 2
    assert capsys.readouterr().err == f"{problem}\nRemove it.\n"


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ("run", "Words after -- are passed to the program instead of smoke.command.\n"),
        ("shell", "Words after -- are run there instead of a shell.\n"),
    ],
)
def test_help_says_what_becomes_of_words_for_a_program(
    step: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([step, "--help"])
    assert capsys.readouterr().out.endswith(line)


def test_what_runs_no_program_takes_no_words_for_it(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["check", "--root", str(shop), "--", "x", "y"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith("error: unrecognized arguments: x y\n")


@pytest.mark.parametrize(
    ("path", "name"),
    [("/usr/bin/pystatic", "pystatic"), ("/x/pystatic_tasks/__main__.py", "python -m pystatic_tasks")],
)
def test_the_program_is_called_what_the_user_typed(path: str, name: str) -> None:
    assert program_name(path) == name
