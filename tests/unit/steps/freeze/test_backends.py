from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.steps.freeze.backends import paths_around
from pystatic_tasks.steps.freeze.project_files import hash_built


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('[tool.hatch]\na = { "../data" = ["../x.txt", { b = "../data/../x.txt" }] }', ["data", "x.txt"]),
        ('[tool.poetry]\nfrom = "../gone"', []),
        ('[tool.hatch]\na = ".."\nb = "../"\nc = "../shop/x.txt"\nd = "x.txt"\ne = ["../data\\u0000", 1]', []),
        ('[tool.pytest.ini_options]\ntestpaths = ["../data"]', []),
        ('[tool.uv.sources]\ndata = { path = "../data" }', []),
        ('[tool.setuptools.data-files]\n"share" = ["../data/*.txt", "../[xy].txt"]', ["data/a.txt", "x.txt"]),
        ('[tool.setuptools.data-files]\n"share" = ["../data/**/*.txt", "../*\\u0000", "../no*"]', ["data/a.txt"]),
        ('[tool.hatch.force-include]\n"./../x.txt" = "a"\n"src/../../data" = "b"', ["data", "x.txt"]),
        ('[tool.hatch.force-include]\n"{folder}/x.txt" = "a"\n"{folder}" = "b"', ["x.txt"]),
        ('[tool.hatch]\nexclude = ["{folder}/data"]', []),
        ("tool = 1", []),
        ("[tool", []),
    ],
)
def test_the_paths_that_a_backend_is_told_of_outside_of_the_project(
    tmp_path: Path, text: str, names: list[str]
) -> None:
    text = text.replace("{folder}", str(tmp_path))
    for name in ("data/a.txt", "x.txt", "shop/x.txt", "shop/pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text if name.endswith(".toml") else "", encoding="utf-8")
    assert paths_around(tmp_path / "shop") == [tmp_path / name for name in names]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[options]\npackage_dir =\n    shop = ../data", ["data"]),
        ("[options]\npackage_dir = =../data", ["data"]),
        ("[options.data_files]\nshare = ../x.txt, ../data/*.txt", ["data/a.txt", "x.txt"]),
        ("[metadata]\nlong_description = file:../x.txt, setup.cfg", ["x.txt"]),
        ("[options]\n[options]\nx = ../data\nx = %(y)s", []),
        ("[tool:pytest]\ntestpaths = ../data", []),
        ("options", []),
        ("[options]\nx = ../data\xff", []),
    ],
)
def test_the_paths_that_setup_cfg_names(tmp_path: Path, text: str, names: list[str]) -> None:
    for name in ("data/a.txt", "x.txt", "shop/setup.cfg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="latin-1")
    assert paths_around(tmp_path / "shop") == [tmp_path / name for name in names]


def test_what_a_file_is_called_that_a_pattern_finds_counts(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    text = '[tool.setuptools.data-files]\n"share" = ["../*.txt"]\n'
    (tmp_path / "shop/pyproject.toml").write_text(text, encoding="utf-8")
    (tmp_path / "a.txt").touch()
    before = hash_built(tmp_path / "shop")
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    assert hash_built(tmp_path / "shop") != before


def test_rules_of_what_is_ignored_count_up_to_the_repository(tmp_path: Path) -> None:
    shop = tmp_path / "a/services/shop"
    shop.mkdir(parents=True)
    (tmp_path / "a/.git").mkdir()
    for name in ("a/services/shop", "a/services", "a", "."):
        (tmp_path / name / ".gitignore").touch()
    (tmp_path / "a/.hgignore").touch()
    assert paths_around(shop) == [tmp_path / f"a/{name}" for name in (".gitignore", ".hgignore", "services/.gitignore")]
