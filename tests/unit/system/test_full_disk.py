from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from support import small_disk

from pystatic_tasks.errors import PystaticError
from pystatic_tasks.system.processes import run_logged

FULL = "cannot be read or written: No space left on device."
REMEDY = "Free some space and try again; no half-written file was left behind."
FILLS = "import sys; open(sys.argv[1], 'wb').write(bytes(2**20))"


def told(log: Path, *command: object, **options: Any) -> str:
    with pytest.raises(PystaticError) as caught:
        run_logged(command, log, verbose=False, **options)
    assert caught.value.remedy == REMEDY
    return caught.value.problem


def test_a_file_that_a_tool_names_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k"):
        found = told(tmp_path / "log", "dd", "if=/dev/zero", f"of={tmp_path}/disk/a b", "bs=4k")
    assert found == f"{tmp_path}/disk/a b {FULL}"


def test_the_folder_is_told_if_a_tool_names_no_file(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k"):
        found = told(tmp_path / "log", sys.executable, "-c", FILLS, "x", cwd=tmp_path / "disk")
    assert found == f"{tmp_path}/disk {FULL}"


def test_the_folder_for_temporary_files_is_told(tmp_path: Path) -> None:
    fills = "dd if=/dev/zero bs=4k >$TMPDIR/x; exit 1"
    with small_disk(tmp_path / "disk", "64k"):
        environment = {**os.environ, "TMPDIR": str(tmp_path / "disk")}
        found = told(tmp_path / "log", "sh", "-c", fills, env=environment, cwd=tmp_path)
    # dd names its standard output, and no file.
    assert found == f"{tmp_path}/disk {FULL}"


def test_the_log_itself_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "16k"), pytest.raises(OSError, match="No space") as caught:
        run_logged(["seq", "100000"], tmp_path / "disk/tool.log", verbose=False)
    assert caught.value.filename == f"{tmp_path}/disk/tool.log"


def test_a_tool_that_went_on_is_believed(tmp_path: Path) -> None:
    assert run_logged(["echo", "No space left on device"], tmp_path / "log", verbose=False) == 0


def test_what_a_build_within_a_build_said_is_told(tmp_path: Path) -> None:
    assert told(tmp_path / "log", "sh", "-c", f"echo 'nox > Session image aborted: /p/a b {FULL}'; exit 1") == (
        f"/p/a b {FULL}"
    )
