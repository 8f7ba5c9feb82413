"""What tests of the build environment share: a project, and an environment that writes down what it is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.install.environment import discard_outdated, fill_environment, wanted_contents
from pystatic_tasks.steps.meanwhile import now
from pystatic_tasks.steps.tools import tool_requirements

OURS = "[tool.pystatic-tasks]\nimage.labels = { a = 'b' }\n"
PYPROJECT = '[project]\nname = "shop"\ndependencies = ["falcon"]\n'


def write(folder: Path, **files: str) -> Path:
    """Files by name, with "__" for "/" and "_" for "." where a suffix follows."""
    for name, text in files.items():
        stem, _, suffix = name.replace("__", "/").rpartition("_")
        path = folder / f"{stem}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def nothing_told_to_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine and its user tell it."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageConfig:
    """An image of a small project outside of any repository."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    root = write(tmp_path / "shop", pyproject_toml=PYPROJECT, src__shop_py="app = None\n")
    return ImageConfig(root=root, project=root, project_name="shop", name="shop", app="shop:app")


@dataclass
class Environment:
    """A build environment that writes down what is asked of it.

    Attributes:
        folder: Where it is.
        asked: What was asked of it.
        meanwhile: What happens while something is installed.
        before: What happens between the look at what is to be installed and that.
    """

    folder: Path
    asked: list[object] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    before: Callable[[], object] = lambda: None

    @property
    def marker(self) -> Path:
        return self.folder / "pystatic-installed.json"

    def context(self, *, use_cache: bool = True, installs: bool = True, wanted_python: str = "3.12") -> StepContext:
        return StepContext(
            say=self.asked.append,
            use_cache=use_cache,
            installs=installs,
            python=self.folder / "bin/python",
            wanted_python=wanted_python,
            install=self.install,
            recreate=self.recreate,
        )

    def install(self, requirements: Sequence[str]) -> None:
        self.asked.append(list(requirements))
        self.meanwhile()

    def recreate(self) -> None:
        self.asked.append("recreate")
        self.marker.unlink(missing_ok=True)
        (self.folder / "bin").mkdir(parents=True, exist_ok=True)
        (self.folder / "bin/python").touch()

    def fill(
        self, image: ImageConfig, *, use_cache: bool = True, installs: bool = True, wanted_python: str = "3.12"
    ) -> list[object]:
        """What is asked of it for the image."""
        self.asked.clear()
        context = self.context(use_cache=use_cache, installs=installs, wanted_python=wanted_python)
        began = now()
        wanted = wanted_contents(image, context)
        self.before()
        discard_outdated(context, wanted)
        fill_environment(image, context, wanted, began)
        return list(self.asked)


ANEW = ["making a new build environment", "recreate"]
UP_TO_DATE = ["build environment is up to date"]
TOOLS = list(tool_requirements(ImageConfig(root=Path(), project=Path())))


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """One that Nox has just made."""
    made = Environment(tmp_path / "environment")
    made.recreate()
    return made


def names(folder: Path, paths: Iterable[Path]) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in paths)
