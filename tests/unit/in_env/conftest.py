from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def ldconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the loader's cache of this machine another one."""
    folder = tmp_path / "tools"
    folder.mkdir()

    def write(text: str) -> None:
        (folder / "ldconfig").write_text(f"#!/bin/sh\ncat << 'END'\n{text}\nEND\n", encoding="utf-8")
        (folder / "ldconfig").chmod(0o755)

    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return write
