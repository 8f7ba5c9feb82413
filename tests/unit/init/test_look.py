from __future__ import annotations

import os
from pathlib import Path

import pytest
from unit.init.conftest import Write

from pystatic_tasks.config.project import read_pyproject
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.init.look import look, projects_below, undiscovered

PROJECT = '[project]\nname = "shop"\n'
BUILT = PROJECT + '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
LOCK = "version = 1\n"


def folders(root: Path) -> list[str]:
    return [each.relative_to(root).as_posix() for each in look(root).folders]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"shop/web.py": ""}, ["."]),
        ({"pyproject.toml": BUILT, "src/shop/web.py": "", "wsgi.py": ""}, ["src"]),
        ({"src/shop/web.py": ""}, ["src", "."]),
        ({"src/README": ""}, ["."]),
        ({"src/__init__.py": "", "src/main.py": ""}, ["."]),
        ({"src/main.py": "from src.db import engine\n", "src/db.py": ""}, ["."]),
        ({"src/main.py": "", "Procfile": "web: uvicorn src.main:app\n"}, ["."]),
        ({"pyproject.toml": BUILT + '[tool.setuptools]\npackage-dir = {"" = "lib"}\n', "lib/a.py": ""}, ["lib"]),
        ({"pyproject.toml": BUILT + '[tool.setuptools.packages.find]\nwhere = ["lib"]\n', "lib/a.py": ""}, ["lib"]),
        (
            {"pyproject.toml": BUILT + '[tool.poetry]\npackages = [{ include = "a", from = "lib" }]\n', "lib/a.py": ""},
            ["lib"],
        ),
        (
            {
                "pyproject.toml": BUILT + '[tool.hatch.build.targets.wheel]\npackages = ["lib/a", "lib/b"]\n',
                "lib/a.py": "",
            },
            ["lib"],
        ),
        ({"pyproject.toml": BUILT + '[tool.hatch.build.targets.wheel]\npackages = ["shop"]\n', "src/x.py": ""}, ["."]),
        ({"pyproject.toml": BUILT + '[tool.pdm.build]\npackage-dir = "lib"\n', "lib/a.py": ""}, ["lib"]),
        ({"pyproject.toml": BUILT + '[tool.uv.build-backend]\nmodule-root = ""\n', "src/x.py": ""}, ["."]),
        ({"pyproject.toml": BUILT + "[tool]\nhatch = 1\nsetuptools = [1]\npoetry.packages = [1]\n", "a.py": ""}, ["."]),
    ],
)
def test_imports_start_where_the_build_says(write: Write, files: dict[str, str], expected: list[str]) -> None:
    assert folders(write(files)) == expected


@pytest.mark.parametrize(
    ("files", "installable", "virtual"),
    [
        ({"pyproject.toml": BUILT}, True, False),
        ({"setup.py": ""}, True, False),
        ({"pyproject.toml": "[tool.black]\n"}, False, False),
        ({}, False, False),
        ({"pyproject.toml": PROJECT}, True, False),
        ({"pyproject.toml": PROJECT, "uv.lock": LOCK}, False, True),
        ({"pyproject.toml": BUILT, "uv.lock": LOCK}, True, False),
        ({"pyproject.toml": BUILT + "[tool.uv]\npackage = false\n", "uv.lock": LOCK}, False, True),
        ({"pyproject.toml": PROJECT + "[tool.uv]\npackage = true\n", "uv.lock": LOCK}, True, False),
    ],
)
def test_what_is_installed_is_known(write: Write, files: dict[str, str], installable: bool, virtual: bool) -> None:
    project = look(write({"a.py": "", **files}))
    assert (project.installable, project.virtual) == (installable, virtual)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": PROJECT, "app/a.py": "", "alembic/env.py": "", "tests/x.py": ""}, ["alembic", "app"]),
        ({"pyproject.toml": PROJECT, "app/a.py": "", "tests/x.py": "", "docs/x.md": ""}, []),
        ({"pyproject.toml": BUILT, "app/a.py": "", "alembic/env.py": ""}, []),
        ({"pyproject.toml": PROJECT, "src/app/a.py": "", "alembic/env.py": ""}, []),
        ({"pyproject.toml": PROJECT + "[tool.setuptools]\npackages = []\n", "a/a.py": "", "b/b.py": ""}, []),
        ({"pyproject.toml": PROJECT, "setup.py": "", "a/a.py": "", "b/b.py": ""}, []),
        ({"requirements.txt": "", "a/a.py": "", "b/b.py": ""}, []),
    ],
)
def test_packages_that_setuptools_would_not_choose_between(
    write: Write, files: dict[str, str], expected: list[str]
) -> None:
    assert undiscovered(look(write(files))) == expected


def below(root: Path) -> list[str]:
    pyproject = read_pyproject(root) if (root / "pyproject.toml").exists() else {}
    return [each.relative_to(root).as_posix() for each in projects_below(root, pyproject)]


def test_projects_are_found_three_folders_deep(write: Write) -> None:
    root = write(
        {
            "web/requirements.txt": "",
            "services/api/pyproject.toml": "",
            "services/api/inner/pyproject.toml": "",
            "a/b/c/setup.py": "",
            "a/b/d/e/setup.py": "",
            "examples/x/pyproject.toml": "",
            ".hidden/x/pyproject.toml": "",
            "package/__init__.py": "",
            "package/requirements.txt": "",
        }
    )
    assert below(root) == ["a/b/c", "services/api", "web"]


def test_members_of_a_workspace_are_projects(write: Write) -> None:
    root = write(
        {
            "pyproject.toml": '[tool.uv.workspace]\nmembers = ["a/b/c/d/*", "../x", "/y", ""]\n'
            'exclude = ["web", "libs/*"]\n',
            "a/b/c/d/api/pyproject.toml": "",
            "a/b/c/d/notes/README": "",
            "web/pyproject.toml": "",
            "libs/db/pyproject.toml": "",
        }
    )
    assert below(root) == ["a/b/c/d/api"]


def test_a_pyproject_that_is_no_toml_is_an_error(write: Write) -> None:
    root = write({"pyproject.toml": "[tool\n"})
    with pytest.raises(ConfigError, match=f"{root}/pyproject.toml is not valid TOML"):
        look(root)


def test_folders_that_may_not_be_read_are_left_out(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write({"a.py": "", "closed/b.py": ""})
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "closed")
    assert list(look(root).code.modules) == ["a"]
