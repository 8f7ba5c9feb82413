"""It works however Nox is started, and does nothing twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import REPOSITORY, Project, copy_repository, tool_or_skip

UP_TO_DATE = "dist/pystatic/sample-app/image.tar is up to date"
OLDEST_NOX = "2025.2.9"
NOX_SCRIPT = Path(sys.executable).with_name("nox")
SANDBOX = ("--", "--engine", "sandbox")


@pytest.mark.parametrize(
    "command",
    [
        (str(NOX_SCRIPT), "-s", "image"),
        (sys.executable, "-m", "nox", "-s", "image"),
        (sys.executable, "noxfile.py", "-s", "image"),
        (str(NOX_SCRIPT), "-r", "-s", "image"),
        (str(NOX_SCRIPT), "-R", "-s", "image"),
        (str(NOX_SCRIPT), "-j", "2", "-s", "image"),
        (str(NOX_SCRIPT), "-t", "pystatic", "-k", "image or staticx or freeze"),
    ],
    ids=["nox", "python -m nox", "python noxfile.py", "-r", "-R", "-j 2", "-t and -k"],
)
def test_started_as(command: tuple[str, ...], sample: Project) -> None:
    assert UP_TO_DATE in sample.run(*command, *SANDBOX)


def test_started_from_another_folder(sample: Project, tmp_path: Path) -> None:
    printed = sample.nox("-f", str(sample.root / "noxfile.py"), "-s", "image", *SANDBOX, cwd=tmp_path)
    assert UP_TO_DATE in printed
    assert list(tmp_path.iterdir()) == []


def test_install_only_installs_and_builds_nothing(sample: Project) -> None:
    before = sample.result("image.tar").stat().st_mtime_ns
    printed = sample.nox("--install-only", "-s", "smoke", "--", "--no-cache")
    assert "pip install pyinstaller==" in printed
    assert "first answer" not in printed
    assert sample.result("image.tar").stat().st_mtime_ns == before


def test_the_oldest_supported_nox(sample: Project, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "old"], check=True)
    python = str(tmp_path / "old" / "bin" / "python")
    # Freezing anew is not the point here, so this Nox runs the steps after it.
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"nox=={OLDEST_NOX}", str(REPOSITORY)], check=True)
    listed = sample.run(python, "-m", "nox", "--list")
    assert "image -> Build the container image of sample-app." in listed
    assert UP_TO_DATE in sample.run(python, "-m", "nox", "-s", "image", *SANDBOX)


def test_uv_is_used_where_it_is_and_pip_gives_the_same_bytes(sample: Project, tmp_path: Path) -> None:
    """An environment that pip filled is kept by uv, and made anew where pip is to follow uv."""
    tool_or_skip("uv")
    project = copy_repository(tmp_path / "installed only")
    assert "uv pip install" in project.nox("--install-only", "-s", "freeze")
    assert "python -m pip install" in project.nox("-db", "virtualenv", "--install-only", "-s", "freeze")
    assert "build environment is up to date" in project.nox("--install-only", "-s", "freeze")
    digest = sample.manifest("image.json")["digest"]
    assert "python -m pip install" in sample.nox("-db", "virtualenv", "-s", "image", *SANDBOX, "--no-cache")
    assert sample.manifest("image.json")["digest"] == digest


def test_a_changed_line_changes_the_image_and_installs_no_tool_again(sample: Project) -> None:
    api = sample.root / "sample_app" / "random_number" / "api.py"
    before, digest = api.read_text(encoding="utf-8"), sample.manifest("image.json")["digest"]
    try:
        api.write_text(before.replace('"ok"', '"fine"'), encoding="utf-8")
        printed = sample.nox("-s", "image", *SANDBOX)
        assert "install pyinstaller==" not in printed
        assert sample.manifest("image.json")["digest"] != digest
    finally:
        api.write_text(before, encoding="utf-8")
    sample.nox("-s", "image", *SANDBOX)
    assert sample.manifest("image.json")["digest"] == digest
