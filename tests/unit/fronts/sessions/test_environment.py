from __future__ import annotations

import os
import sys
import venv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from nox_sessions import NOXFILE, SHOP, AbortedError, Nox, Session, write
from support import without_times

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.config.options import parse_options
from pystatic_tasks.fronts.sessions.context import make_context
from pystatic_tasks.fronts.sessions.environment import names_in
from pystatic_tasks.fronts.sessions.registration import register


def test_without_an_environment_nothing_is_installed_into_noxs_own(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    session = Session(venv_backend="none")
    with pytest.raises(AbortedError) as caught:
        sessions["freeze"](session.nox)
    assert str(caught.value) == (
        "The session needs its own environment to build in, but Nox runs with --no-venv.\nRun Nox without --no-venv"
    )
    assert session.installed == []


def test_nox_refuses_to_build_without_an_environment(tmp_path: Path, run_nox: Nox) -> None:
    result = run_nox(write(tmp_path, noxfile=NOXFILE), "--no-venv", "--session", "freeze")
    assert result.returncode == 1
    assert (
        "nox > Session freeze aborted: "
        "The session needs its own environment to build in, but Nox runs with --no-venv.\n"
        "Run Nox without --no-venv.\n"
    ) in result.stderr


MISSING = 'No Python "3.77" found to build shop with.\nInstall it, or correct tool.pystatic-tasks.python.\n'


def test_an_interpreter_that_is_not_there_is_told_in_one_sentence(
    tmp_path: Path, run_nox: Nox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOX_DOWNLOAD_PYTHON", "never")
    monkeypatch.setenv("PYSTATIC_EXIT_CODE", str(tmp_path / "code"))
    folder = write(tmp_path / "shop", SHOP + 'python = "3.77"\n', noxfile=NOXFILE)
    result = run_nox(folder, "--session", "image")
    assert result.returncode == 1
    assert f"nox > Session freeze aborted: {MISSING}" in without_times(result.stderr)
    assert "Run the freeze session first" not in result.stderr
    assert (tmp_path / "code").read_text(encoding="utf-8") == "3"


def test_an_interpreter_that_is_not_there_is_told_where_an_environment_is(
    tmp_path: Path, run_nox: Nox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOX_DOWNLOAD_PYTHON", "never")
    monkeypatch.setenv("PYSTATIC_EXIT_CODE", str(tmp_path / "code"))
    folder = write(tmp_path / "shop", SHOP + 'python = "3.77"\n', noxfile=NOXFILE)
    made = tmp_path / "environments" / "freeze"
    venv.create(made, symlinks=True)
    words = ("--default-venv-backend", "venv", "--envdir", str(made.parent), "--session", "freeze")
    result = run_nox(folder, *words)
    assert f"nox > Session freeze aborted: {MISSING}" in without_times(result.stderr)
    assert (tmp_path / "code").read_text(encoding="utf-8") == "3"
    assert (made / "bin" / "python").exists()


def test_an_interpreter_that_would_be_too_old_is_not_to_be_installed(
    tmp_path: Path, run_nox: Nox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOX_DOWNLOAD_PYTHON", "never")
    folder = write(tmp_path / "shop", SHOP + 'python = "2.5"\n', noxfile=NOXFILE)
    assert (
        'No Python "2.5" found to build shop with.\n'
        'Use Python 3.10 or newer: python = "3.10" in [tool.pystatic-tasks].\n'
    ) in without_times(run_nox(folder, "--session", "freeze").stderr)


def test_an_address_that_a_password_cuts_off_is_refused_whatever_makes_the_environment(
    tmp_path: Path, run_nox: Nox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://bob:s3cr3t/x9@127.0.0.1:9/simple")
    folder = write(tmp_path / "shop", SHOP, noxfile=NOXFILE)
    venv.create(tmp_path / "environments" / "freeze", symlinks=True)
    for words in ((), ("--force-venv-backend", "venv", "--envdir", str(tmp_path / "environments"))):
        result = run_nox(folder, "--session", "freeze", *words)
        assert "aborted: An address in pip's setting index-url has no valid host or port.\n" in result.stderr
        assert "s3cr3t" not in result.stdout + result.stderr


def test_what_nox_cannot_read_is_told_and_not_shown(
    tmp_path: Path, run_nox: Nox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    folder = write(tmp_path / "privé", SHOP, noxfile=NOXFILE)
    result = run_nox(folder, "--session", "freeze", "--default-venv-backend", "virtualenv")
    assert (
        "nox > Session freeze aborted: Nox cannot read what a tool printed: it is not in UTF-8.\n"
        "Set PYTHONIOENCODING=utf-8, or unset it.\n"
    ) in without_times(result.stderr)


# What makes the environment.

ASKING = """
from dataclasses import replace
import nox
import pystatic_tasks
from pystatic_tasks.fronts.sessions import image_steps
from pystatic_tasks.steps.table import STEPS

def run(config, context):
    context.say(f"made by {session_of[0].venv_backend}")

session_of = []
make = image_steps.make_environment

def making(session, config):
    # The environment itself costs a second.
    session._runner._create_venv = lambda: setattr(session._runner, "venv", Made(session._runner))
    session_of.append(session)
    make(session, config)

class Made:
    bin_paths = ["/nowhere"]
    def __init__(self, runner):
        self.venv_backend = "|".join(nox.sessions.resolve_venv_backends(runner.global_config, runner.func))
        self.env = {}

image_steps.make_environment = making
image_steps.only_installs = lambda session: False
STEPS["freeze"] = replace(STEPS["freeze"], run=run)
OPTIONS
pystatic_tasks.register()
LATER
"""


@pytest.mark.parametrize(
    ("arguments", "options", "later", "variables", "backend"),
    [
        ((), "", "", {}, "uv|virtualenv"),
        (("-db", "virtualenv"), "", "", {}, "virtualenv"),
        (("--default-venv-backend=venv",), "", "", {}, "venv"),
        ((), 'nox.options.default_venv_backend = "virtualenv"', "", {}, "virtualenv"),
        ((), "", 'nox.options.default_venv_backend = "virtualenv"', {}, "virtualenv"),
        ((), "", "", {"NOX_DEFAULT_VENV_BACKEND": "virtualenv"}, "virtualenv"),
        ((), "", "", {"PIP_REQUIRE_HASHES": "1"}, "virtualenv"),
        (("-db", "uv"), "", "", {"PIP_REQUIRE_HASHES": "1"}, "uv"),
    ],
)
def test_uv_makes_the_environment_unless_the_user_or_pip_says_otherwise(
    tmp_path: Path,
    run_nox: Nox,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    options: str,
    later: str,
    variables: Mapping[str, str],
    backend: str,
) -> None:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    for name, value in {"PIP_CONFIG_FILE": os.devnull, **variables}.items():
        monkeypatch.setenv(name, value)
    noxfile = ASKING.replace("OPTIONS", options).replace("LATER", later)
    result = run_nox(write(tmp_path, noxfile=noxfile), *arguments, "--session", "freeze")
    assert f"made by {backend}\n" in result.stderr
    assert "uv binary not found" not in result.stderr


# What is installed.


def test_the_context_makes_the_environment_anew_though_nox_would_keep_it(image: ImageConfig) -> None:
    session = Session()
    make_context(session.nox, image, parse_options([])).recreate()
    assert session.virtualenv.made_anew == 1


def test_uv_is_told_that_the_project_may_have_changed(image: ImageConfig) -> None:
    session = Session(venv_backend="uv")
    make_context(session.nox, image, parse_options([])).install(["."])
    make_context(session.nox, replace(image, project_name=""), parse_options([])).install(["x"])
    assert session.installed == [((".", "--reinstall-package", "shop"), True), (("x",), True)]


@pytest.mark.parametrize(
    ("own_choice", "expected"),
    [(True, {"UV_INDEX": "https://index", "UV_INDEX_STRATEGY": "unsafe-best-match"}), (False, {})],
)
def test_uv_is_told_what_pip_was_told_unless_the_user_chose_it(
    image: ImageConfig, monkeypatch: pytest.MonkeyPatch, own_choice: bool, expected: Mapping[str, str]
) -> None:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://index")
    session = Session(venv_backend="uv")
    func = register(root=image.root)["freeze"]
    func.venv_backend = "uv|virtualenv" if own_choice else "uv"
    session._runner.func = func
    make_context(session.nox, image, parse_options([])).install(["falcon"])
    of_uv = {name: value for name, value in session.variables.items() if name.startswith("UV_")}
    assert of_uv == {"UV_LINK_MODE": "copy", **expected}
    assert session.variables["PIP_COMPILE"] == "0"


def test_what_installers_print_is_in_whole_lines_of_utf_8(image: ImageConfig) -> None:
    session = Session()
    make_context(session.nox, image, parse_options([])).install(["falcon"])
    assert (session.variables["COLUMNS"], session.variables["PYTHONIOENCODING"]) == ("9999", "utf-8")


def test_no_password_is_among_the_names_of_what_is_installed() -> None:
    requirements = [".", "../rates", "falcon==4", "x @ git+https://me:s3cr3t@git.example", "-r", "needs/a.txt"]
    assert names_in(requirements) == ". rates falcon==4 ***@git.example -r a.txt"


# In a container.


IN_DOCKER = SHOP + 'python = "3.12"\nbuild.place = "docker"\n'


@pytest.mark.parametrize(
    ("text", "typed"), [(IN_DOCKER, ["nox"]), (SHOP, ["nox", "-s", "image", "--", "--in", "docker"])]
)
def test_what_is_frozen_in_a_container_needs_no_environment_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, typed: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", typed)
    assert register(root=write(tmp_path, text))["freeze"].venv_backend == "none"
