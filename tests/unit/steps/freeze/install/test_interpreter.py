from __future__ import annotations

import json
import platform
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.steps.freeze.install.interpreter import check_interpreter, find_interpreter, meant_by
from pystatic_tasks.steps.results import Interpreter


def executable(path: Path, text: str = "") -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def interpreter(
    folder: Path,
    *,
    libpython: str = "/x",
    debian: bool = False,
    version: str = "3.12.4",
    name: str = "python",
    **more: Any,
) -> Path:
    """A Python that answers this, whatever it is asked."""
    folder.mkdir(exist_ok=True)
    answer = {"version": version, "base_prefix": "/opt/python", "libpython": libpython, "debian": debian, **more}
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return executable(folder / name, f'/bin/cp "{folder}/answer.json" "$5"')


def test_an_interpreter_with_its_library_is_described(tmp_path: Path) -> None:
    python = interpreter(tmp_path, libpython="/opt/python/lib/libpython3.12.so.1.0", debian=False)
    assert check_interpreter(python, tmp_path / "work", "archive") == Interpreter(
        version="3.12.4", base_prefix="/opt/python", libpython="/opt/python/lib/libpython3.12.so.1.0"
    )


@pytest.mark.parametrize(
    ("debian", "remedy"),
    [
        (True, "install it: apt-get install libpython3.12."),
        (
            False,
            "use a Python built with it: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install 3.12, "
            "or the one of your distribution.",
        ),
    ],
)
def test_an_interpreter_without_its_library_is_refused_for_an_archive(
    tmp_path: Path, debian: bool, remedy: str
) -> None:
    python = interpreter(tmp_path, libpython="", debian=debian)
    with pytest.raises(MissingToolError) as caught:
        check_interpreter(python, tmp_path, "archive")
    assert str(caught.value) == (
        "Python 3.12.4 of /opt/python has no shared libpython, which a program packed by StaticX needs.\n"
        f'Set packer = "launcher", which needs none, or {remedy}'
    )
    assert check_interpreter(python, tmp_path, "tree").libpython == ""


def test_a_free_threaded_interpreter_is_refused(tmp_path: Path) -> None:
    python = interpreter(tmp_path, version="3.14.2", free_threaded=True)
    with pytest.raises(MissingToolError) as caught:
        check_interpreter(python, tmp_path, "tree")
    assert str(caught.value) == (
        "Python 3.14.2 of /opt/python is free-threaded, which is not supported yet.\n"
        'Use the usual one: python = "3.14" in [tool.pystatic-tasks].'
    )


@pytest.mark.parametrize("version", ["3.9.18", "2.7.18"])
def test_an_interpreter_that_is_too_old_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(MissingToolError) as caught:
        check_interpreter(interpreter(tmp_path, version=version), tmp_path, "tree")
    assert str(caught.value) == (
        f"Python {version} of /opt/python is too old.\n"
        'Use Python 3.10 or newer: python = "3.10" in [tool.pystatic-tasks].'
    )


def find(wanted: str | None, root: Path) -> Path | None:
    python, found = find_interpreter(wanted, root, root / "work")
    return python if found else None


def test_the_running_interpreter_is_taken_if_none_is_wanted(tmp_path: Path) -> None:
    assert find(None, tmp_path) == Path(sys.executable)


@pytest.mark.parametrize("wanted", ["3.12", "3.12.4", "python3.12", "python3.12.4"])
def test_a_version_is_looked_for_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    """The first that runs and is that version: those of version managers may be none."""
    shim, other, right = (tmp_path / name for name in ("shims", "other", "right"))
    shim.mkdir()
    executable(shim / "python3.12", "exit 127")
    interpreter(other, version="3.1.2", name="python3.12")
    interpreter(right, name="python3.12")
    monkeypatch.setenv("PATH", f"{shim}:{other}:{right}")
    assert find(wanted, tmp_path) == right / "python3.12"


def test_a_name_is_looked_for_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = interpreter(tmp_path / "bin", name="mypython")
    monkeypatch.setenv("PATH", str(python.parent))
    assert find("mypython", tmp_path) == python


@pytest.mark.parametrize("wanted", ["bin/python", "{}/bin/python"])
def test_a_path_starts_from_the_root(tmp_path: Path, wanted: str) -> None:
    python = interpreter(tmp_path / "bin")
    assert find(wanted.format(tmp_path), tmp_path) == python


@pytest.mark.parametrize("wanted", ["3.12.5", "2.5", "./nowhere", "nonsense"])
def test_an_interpreter_that_nobody_has_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    python = interpreter(tmp_path / "bin", name="python3.12")
    monkeypatch.setenv("PATH", str(python.parent))
    assert find(wanted, tmp_path) is None


def test_a_version_may_soon_stand_for_another_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert meant_by("3.98", tmp_path) == "3.98"
    for version in ("3.98.4", "3.98.5"):
        interpreter(tmp_path / "bin", version=version, name="python3.98")
        assert meant_by("3.98", tmp_path) == f"/opt/python {version}"


def test_what_newer_versions_of_nox_find_is_found(tmp_path: Path) -> None:
    pytest.importorskip("python_discovery")
    assert find(">=3.10", tmp_path) is not None


def test_a_real_interpreter_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(executable(tmp_path / "json.py").parent))
    try:
        found = check_interpreter(Path(sys.executable), tmp_path / "work", "archive")
    except MissingToolError as error:
        pytest.skip(error.problem)
    assert (found.version, found.base_prefix) == (platform.python_version(), sys.base_prefix)
    assert Path(found.libpython).exists()


@pytest.mark.parametrize("system", [False, True])
def test_where_an_environment_imports_from_is_described(tmp_path: Path, *, system: bool) -> None:
    venv.create(tmp_path / "env", system_site_packages=system)
    python, site = tmp_path / "env/bin/python", next(tmp_path.glob("env/lib/*/site-packages"))
    before = check_interpreter(python, tmp_path / "work", "tree").import_path
    packages = {each for each in before if each.endswith("-packages")}
    assert str(site) in packages
    assert (packages > {str(site)}) is system
    (tmp_path / "generated").mkdir()
    (site / "more.pth").write_text(str(tmp_path / "generated"), encoding="utf-8")
    after = check_interpreter(python, tmp_path / "work", "tree").import_path
    assert {*after} - {*before} == {str(tmp_path / "generated")}


@pytest.mark.parametrize("text", ["exit 3", 'echo nonsense > "$5"', ""])
def test_an_interpreter_that_does_not_run_is_named(tmp_path: Path, text: str) -> None:
    check_interpreter(interpreter(tmp_path, libpython="/x", debian=False), tmp_path / "work", "tree")
    assert_it_does_not_run(executable(tmp_path / "python", text), tmp_path / "work")


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert_it_does_not_run(tmp_path / "nowhere", tmp_path / "work")


def test_an_interpreter_that_is_no_program_is_named(tmp_path: Path) -> None:
    (tmp_path / "python").touch()
    assert_it_does_not_run(tmp_path / "python", tmp_path / "work")


def assert_it_does_not_run(python: Path, work: Path) -> None:
    with pytest.raises(MissingToolError) as caught:
        check_interpreter(python, work, "tree")
    assert str(caught.value) == (
        f"The interpreter of the build environment, {python}, does not run.\n"
        "Delete the environment's folder and try again."
    )
