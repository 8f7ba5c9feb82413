"""Ordinary repositories, from nothing of ours to a proved image, by `pystatic init` and what the terminal says."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from support import REPOSITORY, Project, tool_or_skip, write_project

COMMANDS = Path(sys.executable).parent
# Each repository with the folders of results that following the terminal leaves.
RESULTS = {
    "adopt_monorepo": ["services/api/dist/pystatic/polls-api", "services/web/dist/pystatic/web"],
    "adopt_django_tox": ["dist/pystatic/library"],
    "adopt_fastapi_uv": ["dist/pystatic/weather-station"],
    "adopt_flask_nox": ["dist/pystatic/recipes"],
    "adopt_click_tasks": ["dist/pystatic/wordcount"],
}
# Where its folder's name is all that gives the image a name.
FOLDERS = {"adopt_django_tox": "library"}


@pytest.mark.parametrize("name", RESULTS)
def test_a_newcomer_gets_a_proved_image(name: str, tmp_path: Path) -> None:
    tool_or_skip("uv")
    root = tmp_path / FOLDERS.get(name, name)
    shutil.copytree(REPOSITORY / "tests" / "projects" / name, root)
    first, *others = follow(Project(root))
    assert "MISSING" not in first
    assert any("first answer after" in printed or "--help: exit code 0" in printed for printed in others), others
    for folder in RESULTS[name]:
        assert json.loads((root / folder / "smoke.json").read_text(encoding="utf-8"))["passed"]


def follow(project: Project) -> list[str]:
    """Do what init says comes next; what each command printed."""
    variables = {"PYSTATIC_TASKS_SMOKE_ENGINE": "sandbox", "NOX_DEFAULT_VENV_BACKEND": "uv"}
    commands = next_commands(project.run(str(COMMANDS / "pystatic"), "init"))
    assert commands[0] == "pystatic check"
    return [project.run(*installed(command), ok=True, cwd=None, **variables) for command in commands]


def next_commands(printed: str) -> list[str]:
    lines = printed.partition("\nnext:\n")[2].splitlines()
    return [line.strip().partition("  ")[0] for line in lines if line.startswith("  ")]


def installed(command: str) -> list[str]:
    program, *arguments = shlex.split(command)
    return [str(COMMANDS / program), *arguments]


def test_a_requirements_file_may_name_a_folder_from_that_of_the_project(tmp_path: Path) -> None:
    """Nox's noxfile lies elsewhere then."""
    files = {
        "pyproject.toml": '[tool.pystatic-tasks]\nscript = "main.py"\nrequirements = ["requirements.txt"]\n',
        "requirements.txt": "./rates\n",
        "main.py": "import rates\n",
        "rates/pyproject.toml": (
            '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
            '[project]\nname = "rates"\nversion = "1"\n[tool.setuptools]\npy-modules = ["rates"]\n'
        ),
        "rates/rates.py": "",
    }
    project = write_project(tmp_path / "shop", files, "shop")
    project.run(str(COMMANDS / "pystatic"), "freeze")
    # In one file there are no others.
    assert (
        "rates" in json.loads((project.root / "build/pystatic/shop/freeze.json").read_text())["result"]["distributions"]
    )


def test_what_a_requirements_file_names_as_editable_comes_with_its_data(tmp_path: Path) -> None:
    built = (
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[tool.setuptools.package-data]\n"*" = ["*.txt"]\n'
    )
    files = {
        "pyproject.toml": f'{built}[project]\nname = "shop"\nversion = "1"\nscripts = {{ shop = "shop:main" }}\n'
        '[tool.pystatic-tasks]\ncommand = "shop"\nlayout = "tree"\nrequirements = ["requirements.txt"]\n',
        "requirements.txt": "-e ../rates\n-e .\n",
        "src/shop/__init__.py": "import rates\n\ndef main():\n    pass\n",
        "src/shop/words.txt": "",
        "../rates/pyproject.toml": f'{built}[project]\nname = "rates"\nversion = "1"\n',
        "../rates/src/rates/__init__.py": "",
        "../rates/src/rates/eur.txt": "",
    }
    project = write_project(tmp_path / "shop", files, "shop", "virtualenv")
    project.nox("-s", "image")
    files_of = [each["files"] for each in project.manifest("contents.json")["components"]]
    inside = {file["path"].partition("/site-packages/")[2] for files in files_of for file in files}
    assert {"shop/__init__.pyc", "shop/words.txt", "rates/eur.txt"} <= inside
