from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from pystatic_tasks.errors import ConfigError, MissingToolError
from pystatic_tasks.system.machine import check_machine, check_platform, host_platform, normalized

TOOLS = ("strip", "objcopy", "ldd")


def executable(path: Path, text: str = "") -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        *(("x86_64", "linux/amd64"), ("aarch64", "linux/arm64"), ("riscv64", "linux/riscv64")),
        # On a Mac, and on Windows.
        *(("arm64", "linux/arm64"), ("AMD64", "linux/amd64"), ("ARM64", "linux/arm64")),
    ],
)
def test_the_platform_is_named_as_images_name_it(machine: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert host_platform() == name


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        *((f"linux/{each}", "linux/amd64") for each in ("amd64", "amd64/v1", "x86_64", "x86-64/V1", "AMD64")),
        *((f"linux/{each}", "linux/arm64") for each in ("arm64", "arm64/v8", "arm64/8", "aarch64/v8.0")),
        *((f"linux/{each}", "linux/arm/v7") for each in ("arm", "arm/v7", "arm/7", "armhf")),
        *((each, each) for each in ("linux/amd64/v3", "linux/arm64/v9", "linux/arm/v6", "linux/s390x")),
        *((each, each) for each in ("", "linux", "linux/", "linux/amd64/", "linux/arm/v7/x", "-x")),
    ],
)
def test_a_platform_has_one_normal_name(wanted: str, name: str) -> None:
    assert normalized(wanted) == normalized(name) == name


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
        "Programs can be frozen only on Linux, but this is Darwin.\nBuild in a container: --in docker or --in podman."
    )


def test_the_own_platform_or_none_may_be_asked_for() -> None:
    check_platform("")
    check_platform(host_platform())


@pytest.mark.parametrize("wanted", ["linux/s390x", "linux", "windows/amd64", "linux/x86_64"])
def test_another_platform_is_refused(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(ConfigError) as caught:
        check_platform(wanted)
    assert str(caught.value) == (
        f"--platform {wanted}: this machine builds linux/arm64 only.\n"
        "Build on a machine of that platform, or in a container for it: --in docker or --in podman."
    )


# Which interpreter Nox would take.


# Libraries.
