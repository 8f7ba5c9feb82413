"""Ordinary repositories, from nothing of ours to a proved image, by `pystatic init` and what the terminal says."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import REPOSITORY, Project, names_in_tests, side_by_side, tool_or_skip

COMMANDS = Path(sys.executable).parent
# Each repository with the reports that following the terminal leaves.
REPORTS = {
    "adopt_monorepo": ["services/api/dist/pystatic/polls-api", "services/web/dist/pystatic/web"],
    "adopt_django_tox": ["dist/pystatic/adopt-django-tox"],
    "adopt_fastapi_uv": ["dist/pystatic/weather-station"],
    "adopt_flask_nox": ["dist/pystatic/recipes"],
    "adopt_click_tasks": ["dist/pystatic/wordcount"],
}


def follow(name: str, root: Path) -> list[str]:
    """Do what a newcomer does; what each command printed, that of init first."""
    shutil.copytree(REPOSITORY / "tests" / "projects" / name, root)
    project = Project(root)
    printed = [project.run(str(COMMANDS / "pystatic"), "init")]
    variables = {"PYSTATIC_TASKS_SMOKE_ENGINE": "sandbox", "NOX_DEFAULT_VENV_BACKEND": "uv"}
    for command in next_commands(printed[0]):
        program, *arguments = shlex.split(command)
        printed.append(project.run(str(COMMANDS / program), *arguments, ok=True, cwd=None, **variables))
    return printed


def next_commands(printed: str) -> list[str]:
    """The commands that init says one would type next."""
    lines = printed.partition("\nnext:\n")[2].splitlines()
    return [line.strip().partition("  ")[0] for line in lines if line.startswith("  ")]


@dataclass(frozen=True)
class Followed:
    """What came of each repository."""

    folder: Path
    runs: Mapping[str, Future[list[str]]]

    def root(self, name: str) -> Path:
        return self.folder / name.replace("_", "-")


@pytest.fixture(scope="module")
def followed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    tool_or_skip("uv")
    folder = tmp_path_factory.mktemp("adoption")
    names = [name for name in REPORTS if name in names_in_tests(request)]
    with side_by_side(lambda name: follow(name, folder / name.replace("_", "-")), names) as runs:
        yield Followed(folder, runs)


@pytest.mark.parametrize("name", REPORTS)
def test_a_newcomer_gets_a_proved_image(name: str, followed: Followed) -> None:
    printed = followed.runs[name].result()
    # check, image and smoke at least.
    assert len(printed) >= 4
    for folder in REPORTS[name]:
        report = json.loads((followed.root(name) / folder / "smoke.json").read_text(encoding="utf-8"))
        assert report["passed"], printed
    assert "MISSING" not in printed[1]
