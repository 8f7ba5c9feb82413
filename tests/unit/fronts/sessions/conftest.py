from __future__ import annotations

import os
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked import Forked
from nox import registry
from nox_sessions import Nox, variables_with, write

from pystatic_tasks.config import ImageConfig, load_config


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty registry of sessions, and no configuration in the environment."""
    for name in [name for name in os.environ if name.startswith(("PYSTATIC_TASKS_", "NOX"))]:
        monkeypatch.delenv(name)
    saved = registry.get()
    registry._REGISTRY.clear()
    yield
    registry._REGISTRY.clear()
    registry._REGISTRY.update(saved)


@pytest.fixture
def run_nox(python: Forked) -> Nox:
    """Runs Nox in a folder, with these words and variables."""

    def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return python.run("nox", *arguments, cwd=folder, env=variables_with(**variables))

    return run


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Words that tell Nox where environments are: one and the same for every session that needs one."""
    folder = tmp_path_factory.mktemp("environments")
    venv.create(folder / "made", symlinks=True)
    for session in ("freeze", "web-freeze", "freeze-worker", "smoke", "run"):
        (folder / session).symlink_to("made")
    return ("--default-venv-backend", "venv", "--envdir", str(folder))


@pytest.fixture
def image(tmp_path: Path) -> ImageConfig:
    (image,) = load_config(write(tmp_path))
    return image
