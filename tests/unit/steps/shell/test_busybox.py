from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import tool_or_skip

from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.steps.shell.busybox import applets, find_busybox
from pystatic_tasks.system.machine import host_platform

NONE = "shell needs a static busybox, but there is none on the PATH"
INSTALL = "Install it: apt-get install busybox-static."


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that alone is on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A static busybox that is not on the PATH."""
    folder = tmp_path / "static"
    folder.mkdir()
    return Path(shutil.copy(tool_or_skip("busybox"), folder))


def refused(platform: str = "") -> str:
    with pytest.raises(MissingToolError) as caught:
        find_busybox(platform or host_platform())
    return str(caught.value)


def test_a_static_one_is_found_by_any_of_its_names(static: Path, programs: Path) -> None:
    shutil.copy(shutil.which("true", path="/usr/bin:/bin") or "", programs / "busybox")
    (programs / "busybox.static").symlink_to(static)
    assert find_busybox(host_platform()) == programs / "busybox.static"


@pytest.mark.usefixtures("programs")
def test_none_is_told_with_what_to_install() -> None:
    assert refused() == f"{NONE}.\n{INSTALL}"


def test_one_that_needs_libraries_is_none(programs: Path) -> None:
    shutil.copy(shutil.which("true", path="/usr/bin:/bin") or "", programs / "busybox")
    assert refused() == f"{NONE}: {programs}/busybox needs libraries.\n{INSTALL}"


def test_one_for_another_machine_is_none(static: Path, programs: Path) -> None:
    (programs / "busybox").symlink_to(static)
    assert refused("linux/s390x") == f"{NONE}: {programs}/busybox is not for linux/s390x.\n{INSTALL}"


@pytest.mark.parametrize("content", [b"#!/bin/sh\n", b"", b"\x7fELF\x01" + bytes(200)])
def test_what_is_no_program_of_this_kind_is_none(programs: Path, content: bytes) -> None:
    (programs / "busybox").write_bytes(content)
    (programs / "busybox").chmod(0o755)
    assert refused() == f"{NONE}: {programs}/busybox is not a Linux program.\n{INSTALL}"


def test_its_tools_are_those_that_it_lists(static: Path) -> None:
    assert {"sh", "ls", "wget"} <= set(applets(static))


def test_one_that_does_not_run_cannot_be_asked(tmp_path: Path) -> None:
    (tmp_path / "busybox").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "busybox").chmod(0o755)
    with pytest.raises(MissingToolError) as caught:
        applets(tmp_path / "busybox")
    assert str(caught.value) == (
        f"{tmp_path}/busybox does not run on this machine, but shell must ask it for its tools.\n{INSTALL}"
    )
