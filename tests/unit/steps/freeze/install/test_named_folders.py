from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.steps.freeze.install.named_folders import folders_to_build

from ..conftest import PYPROJECT, names, write


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    return write(tmp_path / "lib", pyproject_toml='[project]\nname = "lib"\n')


def found(shop: ImageConfig) -> list[str]:
    return names(shop.root.parent, folders_to_build(shop))


@pytest.mark.parametrize(
    "tables",
    [
        '[build-system]\nrequires = ["setuptools", "lib @ URL"]\n',
        '[tool.uv.sources]\nlib = { path = "../lib" }\n',
        '[tool.uv.sources]\nlib = [{ path = "../lib", marker = "x" }]\n',
        '[tool.poetry.dependencies]\npython = ">=3.10"\nlib = { path = "../lib", develop = true }\n',
    ],
)
def test_tables_of_tools_name_folders(shop: ImageConfig, lib: Path, tables: str) -> None:
    write(shop.root, pyproject_toml=PYPROJECT + tables.replace("URL", lib.as_uri()))
    assert found(shop) == ["lib", "shop"]


def test_projects_may_need_each_other(shop: ImageConfig, lib: Path) -> None:
    write(shop.root, pyproject_toml=PYPROJECT.replace("falcon", f"lib @ {lib.as_uri()}"))
    write(lib, pyproject_toml=f'[project]\nname = "lib"\ndependencies = ["shop @ {shop.root.as_uri()}"]\n')
    assert found(shop) == ["lib", "shop"]


@pytest.mark.parametrize(
    "tables",
    [
        "",
        "no TOML",
        "build-system = 1\n[project]\ndependencies = 1\noptional-dependencies = [[1]]\n",
        "[project]\ndependencies = ['lib @ file:///nowhere', 'lib @ https://x.example/lib', '=', 'x @ file://[']\n",
        "[project]\ndependencies = ['x @ file:///\\u0000', \"x @ file:///\\u0000\"]\n",
        "[tool.uv]\nsources = [1, { path = 1 }]\n[tool.poetry]\npath = true\n",
    ],
)
def test_what_names_none_is_left_to_the_installer(shop: ImageConfig, lib: Path, tables: str) -> None:
    write(lib, pyproject_toml=tables)
    assert found(replace(shop, install=(".", "../lib"))) == ["lib", "shop"]


def test_requirements_are_read_as_pip_reads_them(
    shop: ImageConfig, lib: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b", "c", "d", "e"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PLACE", (tmp_path / "b").as_uri())
    monkeypatch.chdir(tmp_path / "c")
    lines = "b @ ${PLACE} \\\n  --hash=sha256:00\n../c --no-binary=x\n# ../d\n-r ../more.txt\nlib/\n--find-links ../e\n"
    write(shop.root, requirements_txt=lines, more_txt="")
    write(tmp_path, more_txt="./lib[x]\n")
    assert found(replace(shop, requirements=("requirements.txt",))) == ["b", "c", "lib", "shop"]
