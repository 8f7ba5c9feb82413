from __future__ import annotations

import json
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from support import PYENV

from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.in_env import probe
from pystatic_tasks.steps.build_environment import IN_ENV
from pystatic_tasks.steps.freeze.install.interpreter import check_interpreter

STATIC_NAME = f"libpython3.{sys.version_info[1]}.so.1.0"


def built(monkeypatch: pytest.MonkeyPatch, prefix: Path, **variables: object) -> None:
    """Makes the running Python one that stands in `prefix` and was built with these variables."""
    monkeypatch.setattr(sysconfig, "get_config_var", variables.get)
    monkeypatch.setattr(sys, "base_prefix", str(prefix))
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)


def library(folder: Path, name: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    return str(folder / name)


@pytest.mark.parametrize("variable", ["LIBDIR", "LIBPL"])
def test_a_shared_python_is_found_where_it_was_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    path = library(tmp_path / "libraries", "libpython9.9.so.1.0")
    folder = {variable: tmp_path / "libraries"}
    built(monkeypatch, tmp_path, Py_ENABLE_SHARED=1, INSTSONAME="libpython9.9.so.1.0", **folder)
    assert probe.find_libpython() == path


def test_a_python_that_was_moved_is_found_in_its_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = library(tmp_path / "lib", "libpython9.9.so.1.0")
    built(monkeypatch, tmp_path, Py_ENABLE_SHARED=1, INSTSONAME="libpython9.9.so.1.0", LIBDIR="/nowhere")
    assert probe.find_libpython() == path


def test_the_loaders_own_path_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library(tmp_path / "lib", "libpython9.9.so.1.0")
    path = library(tmp_path / "first", "libpython9.9.so.1.0")
    built(monkeypatch, tmp_path, Py_ENABLE_SHARED=1, INSTSONAME="libpython9.9.so.1.0")
    monkeypatch.setenv("LD_LIBRARY_PATH", f":{tmp_path / 'first'}")
    assert probe.find_libpython() == path


def test_a_static_python_may_have_the_library_in_its_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = library(tmp_path / "lib", STATIC_NAME)
    built(monkeypatch, tmp_path, Py_ENABLE_SHARED=0)
    assert probe.find_libpython() == path


def test_a_static_python_does_not_take_the_library_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library(tmp_path / "other", STATIC_NAME)
    built(monkeypatch, tmp_path / "own", Py_ENABLE_SHARED=0, LIBDIR=tmp_path / "other")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "other"))
    assert probe.find_libpython() == ""


@pytest.mark.parametrize(
    ("prefix", "release", "debian"),
    [
        ("/usr", "ID=debian\n", True),
        ("/usr", "ID=ubuntu\nID_LIKE=debian\n", True),
        ("/usr", "ID=fedora\n", False),
        ("/usr/local", "ID=debian\n", False),
    ],
)
def test_only_debians_own_python_is_mended_by_apt(
    monkeypatch: pytest.MonkeyPatch, prefix: str, release: str, debian: bool
) -> None:
    monkeypatch.setattr(sys, "base_prefix", prefix)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: release)
    assert probe.is_debian() is debian


def test_a_system_that_does_not_say_what_it_is_is_not_debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    monkeypatch.setattr(probe, "Path", lambda _: tmp_path / "nowhere")
    assert probe.is_debian() is False


@pytest.mark.parametrize(("value", "free_threaded"), [(1, True), (0, False), (None, False)])
def test_a_build_without_the_global_lock_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: int | None, free_threaded: bool
) -> None:
    built(monkeypatch, tmp_path, Py_GIL_DISABLED=value)
    assert probe.probe().free_threaded is free_threaded


def test_the_answer_is_written_as_json(tmp_path: Path) -> None:
    answer = tmp_path / "answer.json"
    subprocess.run([sys.executable, "-I", str(IN_ENV / "boot.py"), "probe", "-", str(answer)], check=True, timeout=20)
    found = json.loads(answer.read_text(encoding="utf-8"))
    assert set(found) == {"version", "base_prefix", "libpython", "debian", "free_threaded", "import_path"}
    assert (found["version"], found["base_prefix"]) == (platform.python_version(), sys.base_prefix)


@pytest.mark.parametrize("minor", ["3.7", "3.8", "3.9"])
def test_a_python_that_is_too_old_says_so_itself(tmp_path: Path, minor: str) -> None:
    python = next(PYENV.glob(f"{minor}.*/bin/python3"), None)
    if python is None:
        pytest.skip(f"there is no Python {minor}")
    with pytest.raises(MissingToolError) as caught:
        check_interpreter(python, tmp_path, "tree")
    version, prefix = python.parts[-3], python.parent.parent
    assert str(caught.value) == (
        f'Python {version} of {prefix} is too old.\nUse Python 3.10 or newer: python = "3.10" in [tool.pystatic-tasks].'
    )
