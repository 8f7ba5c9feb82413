from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

import pytest

from pystatic_tasks.errors import ConfigError, MissingToolError
from pystatic_tasks.machine import (
    Interpreter,
    check_interpreter,
    check_libraries,
    check_machine,
    check_platform,
    find_interpreter,
    host_platform,
    tools,
)

TOOLS = ("strip", "objcopy", "ldd")


def executable(path: Path, text: str = "") -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def interpreter(
    folder: Path, *, libpython: str = "/x", debian: bool = False, version: str = "3.12.4", name: str = "python"
) -> Path:
    """A Python that answers this, whatever it is asked."""
    folder.mkdir(exist_ok=True)
    answer = {"version": version, "base_prefix": "/opt/python", "libpython": libpython, "debian": debian}
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return executable(folder / name, f'/bin/cp "{folder}/answer.json" "$4"')


@pytest.mark.parametrize(
    ("machine", "name"), [("x86_64", "linux/amd64"), ("aarch64", "linux/arm64"), ("riscv64", "linux/riscv64")]
)
def test_the_platform_is_named_as_images_name_it(machine: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert host_platform() == name


def test_linux_with_all_tools_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for tool in TOOLS:
        executable(tmp_path / tool)
    check_machine()


@pytest.mark.parametrize(("missing", "package"), [("strip", "binutils"), ("objcopy", "binutils"), ("ldd", "libc-bin")])
def test_a_missing_tool_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, package: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for tool in set(TOOLS) - {missing}:
        executable(tmp_path / tool)
    with pytest.raises(MissingToolError) as caught:
        check_machine()
    assert str(caught.value) == (f'The program "{missing}" is not on the PATH.\nInstall it: apt-get install {package}.')


def test_another_system_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(MissingToolError) as caught:
        check_machine()
    assert str(caught.value) == (
        "Images are built on Linux, and this is Darwin.\nRun it in a Linux machine or container."
    )


def test_the_own_platform_or_none_may_be_asked_for() -> None:
    check_platform(None)
    check_platform(host_platform())


@pytest.mark.parametrize("wanted", ["linux/s390x", "linux", "windows/amd64", "linux/x86_64"])
def test_another_platform_is_refused(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(ConfigError) as caught:
        check_platform(wanted)
    assert str(caught.value) == (
        f"--platform {wanted}: this machine builds linux/arm64 only.\nRun it on a machine of that platform."
    )


def test_an_interpreter_with_its_library_is_described(tmp_path: Path) -> None:
    python = interpreter(tmp_path, libpython="/opt/python/lib/libpython3.12.so.1.0", debian=False)
    assert check_interpreter(python, tmp_path / "work") == Interpreter(
        version="3.12.4", base_prefix="/opt/python", libpython="/opt/python/lib/libpython3.12.so.1.0"
    )


@pytest.mark.parametrize(
    ("debian", "remedy"),
    [
        (True, "Install it: apt-get install libpython3.12."),
        (
            False,
            "Use a Python built with it: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install 3.12, "
            "or the one of your distribution.",
        ),
    ],
)
def test_an_interpreter_without_its_library_is_refused(tmp_path: Path, debian: bool, remedy: str) -> None:
    with pytest.raises(MissingToolError) as caught:
        check_interpreter(interpreter(tmp_path, libpython="", debian=debian), tmp_path)
    assert str(caught.value) == (
        f"Python 3.12.4 of /opt/python has no shared libpython, which a frozen program needs.\n{remedy}"
    )


@pytest.mark.parametrize("version", ["3.9.18", "2.7.18"])
def test_an_interpreter_that_is_too_old_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(MissingToolError) as caught:
        check_interpreter(interpreter(tmp_path, version=version), tmp_path)
    assert str(caught.value) == (
        f"Python {version} of /opt/python is too old.\n"
        'Use Python 3.10 or newer: python = "3.10" in [tool.pystatic-tasks].'
    )


# Which interpreter Nox would take.


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


def test_what_newer_versions_of_nox_find_is_found(tmp_path: Path) -> None:
    pytest.importorskip("python_discovery")
    assert find(">=3.10", tmp_path) is not None


# Libraries.


def test_libraries_of_the_machine_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "libx.so").touch()
    (tmp_path / "libx.so.1").symlink_to("libx.so")
    check_libraries([])
    check_libraries([str(tmp_path / "libx.so"), str(tmp_path / "libx.so.1")])


@pytest.mark.parametrize("name", ["{}/nowhere.so", "{}", "libx.so", "{}/dead.so"])
def test_a_library_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "libx.so").touch()
    (tmp_path / "dead.so").symlink_to("nowhere.so")
    monkeypatch.chdir(tmp_path)
    library = name.format(tmp_path)
    with pytest.raises(ConfigError) as caught:
        check_libraries([str(tmp_path / "libx.so"), library])
    assert str(caught.value) == (
        f'tool.pystatic-tasks.staticx.libraries names "{library}", and there is no such file.\n'
        "Write the absolute path of a shared library of this machine."
    )


def test_a_real_interpreter_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(executable(tmp_path / "json.py").parent))
    try:
        found = check_interpreter(Path(sys.executable), tmp_path / "work")
    except MissingToolError as error:
        pytest.skip(error.problem)
    assert (found.version, found.base_prefix) == (platform.python_version(), sys.base_prefix)
    assert Path(found.libpython).exists()


@pytest.mark.parametrize("text", ["exit 3", 'echo nonsense > "$4"', ""])
def test_an_interpreter_that_does_not_run_is_named(tmp_path: Path, text: str) -> None:
    check_interpreter(interpreter(tmp_path, libpython="/x", debian=False), tmp_path / "work")
    assert_it_does_not_run(executable(tmp_path / "python", text), tmp_path / "work")


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert_it_does_not_run(tmp_path / "nowhere", tmp_path / "work")


def test_an_interpreter_that_is_no_program_is_named(tmp_path: Path) -> None:
    (tmp_path / "python").touch()
    assert_it_does_not_run(tmp_path / "python", tmp_path / "work")


def assert_it_does_not_run(python: Path, work: Path) -> None:
    with pytest.raises(MissingToolError) as caught:
        check_interpreter(python, work)
    assert str(caught.value) == (
        f"The interpreter of the build environment, {python}, does not run.\n"
        "Delete the environment's folder and try again."
    )


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
