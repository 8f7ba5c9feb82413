"""Noxfiles as people have them, and Nox as people run it; the images are built once, in parallel."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import REPOSITORY, Project, only_everywhere, tool_or_skip

SANDBOX = ("--", "--engine", "sandbox")
UP_TO_DATE = "dist/pystatic/web/image.tar is up to date"


@pytest.fixture(scope="module")
def greeter(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two images, built side by side."""
    tool_or_skip("uv")
    root = tmp_path_factory.mktemp("greeter") / "a project"
    shutil.copytree(REPOSITORY / "tests" / "projects" / "existing_noxfiles", root)
    project = Project(root, "web")
    printed = project.nox("-j", "2", "--allow-parallel", "-s", "smoke", *SANDBOX)
    for name in ("web", "worker"):
        assert f"smoke-{name}: success" in printed
        assert json.loads((root / "dist" / "pystatic" / name / "smoke.json").read_text(encoding="utf-8"))["passed"]
    return project


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run([tool_or_skip("uv"), "build", "--wheel", "--out-dir", folder, REPOSITORY], check=True)
    return folder


@pytest.fixture
def _released(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installers find this project as they find a released one."""
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(wheels))


@pytest.fixture(scope="module")
def runners(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment with pipx and tox."""
    folder = tmp_path_factory.mktemp("runners")
    uv = tool_or_skip("uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "pipx", "tox"], check=True)
    return python.parent


def test_a_bare_nox_runs_what_it_ran_before(greeter: Project) -> None:
    printed = greeter.nox()
    assert "Ran" not in printed
    assert printed.count("Running session") == 1
    assert "tests ran" in printed


def test_tags_of_their_own_stay_theirs(greeter: Project) -> None:
    printed = greeter.nox("-t", "quick")
    assert "tests ran" in printed
    assert "lint ran" in printed
    assert "freeze" not in printed
    assert UP_TO_DATE in greeter.nox("-t", "pystatic", "-k", "image or freeze or staticx", *SANDBOX)


def test_sessions_called_as_ours_stay_theirs_beside_a_prefix(greeter: Project) -> None:
    theirs = ("-f", "noxfile_own_names.py")
    printed = greeter.nox(*theirs, "-s", "image", "freeze")
    assert "the logo is drawn" in printed
    assert "the requirements are frozen" in printed
    assert "build/pystatic" not in printed
    assert "- box-image-web [pystatic] -> Build the container image of web." in greeter.nox(*theirs, "-l")


def test_sessions_called_as_ours_are_not_replaced(greeter: Project) -> None:
    assert greeter.nox("-f", "noxfile_own_names_forgotten.py", "-s", "image", ok=False) == (
        'The noxfile already has a session "image", which pystatic_tasks.register() would replace.\n'
        'Call register(prefix="app-"), register(names={"image": "app-image"}) or register(skip=["image"]).\n'
    )


def test_an_image_may_be_a_prerequisite_of_their_session(greeter: Project) -> None:
    printed = greeter.nox("-f", "noxfile_wraps.py", "-db", "uv", "-s", "deploy", *SANDBOX)
    assert UP_TO_DATE in printed
    assert f"deploys {greeter.manifest('image.json')['digest']}" in printed


def test_a_step_may_be_wrapped_in_their_session(greeter: Project) -> None:
    printed = greeter.nox("-f", "noxfile_wraps.py", "-db", "uv", "-s", "prove", *SANDBOX)
    started, smoked, stopped = (
        printed.index(text) for text in ("a test system is started", "prints 'hello from", "is stopped")
    )
    assert started < smoked < stopped


def test_the_sessions_are_a_matrix_for_ci(greeter: Project) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "nox", "-l", "--json", "-t", "pystatic"],
        cwd=greeter.root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = [each["session"] for each in json.loads(listed)]
    assert [name for name in names if name.startswith("smoke-")] == ["smoke-web", "smoke-worker"]


def test_each_image_says_what_it_is_on_standard_output(greeter: Project) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "nox", "-s", "image", *SANDBOX, "--json"],
        cwd=greeter.root,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    folder = greeter.root / "dist" / "pystatic"
    assert lines == [
        json.loads((folder / name / "image.json").read_text(encoding="utf-8")) for name in ("web", "worker")
    ]


@pytest.mark.usefixtures("_released")
def test_a_noxfile_may_say_itself_what_it_needs(greeter: Project) -> None:
    printed = greeter.nox("-f", "noxfile_script.py", "-db", "uv", "-s", "image-web", *SANDBOX)
    assert UP_TO_DATE in printed


@pytest.mark.usefixtures("_released")
def test_nox_may_be_run_by_uvx(greeter: Project) -> None:
    uvx = [tool_or_skip("uv"), "tool", "run", "--isolated", "--python", sys.executable, "--with", "pystatic-tasks"]
    assert UP_TO_DATE in greeter.run(*uvx, "nox", "-s", "image-web", *SANDBOX)


@only_everywhere
@pytest.mark.usefixtures("_released")
def test_nox_may_be_run_by_pipx(
    greeter: Project, runners: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPX_HOME", str(tmp_path / "pipx"))
    monkeypatch.setenv("PIPX_BIN_DIR", str(tmp_path / "bin"))
    pipx = str(runners / "pipx")
    greeter.run(pipx, "install", "--python", sys.executable, "nox")
    greeter.run(pipx, "inject", "nox", "pystatic-tasks")
    assert UP_TO_DATE in greeter.run(str(tmp_path / "bin" / "nox"), "-s", "image-web", *SANDBOX)


@only_everywhere
@pytest.mark.usefixtures("_released")
def test_nox_may_be_run_by_tox(greeter: Project, runners: Path, tmp_path: Path) -> None:
    words = ("run", "-e", "image", "--workdir", str(tmp_path / "tox"), "-x", "testenv.pass_env=PIP_*,UV_*,PATH")
    assert UP_TO_DATE in greeter.run(str(runners / "tox"), *words)
