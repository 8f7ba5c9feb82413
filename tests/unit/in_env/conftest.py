from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def nothing_installed() -> Iterator[None]:
    """No distributions but those of the test: there are many where the tests run."""
    before = sys.path[:]
    sys.path[:] = [each for each in before if not each.endswith("-packages")]
    yield
    sys.path[:] = before


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
