from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.steps.freeze.install.backends import paths_around
from pystatic_tasks.steps.freeze.install.project_files import hash_built


def write_pyproject(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


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
        ('[tool.setuptools.data-files]\n"share" = ["../**/*.txt"]', ["data/a.txt", "x.txt"]),
        ('[tool.setuptools.data-files]\n"share" = ["../da*/**", "../data/*.txt", "../data"]', ["data"]),
        ('[tool.setuptools.data-files]\n"share" = ["../gone/**"]', []),
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


def test_what_hatchling_takes_from_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home/.aws").mkdir(parents=True)
    (tmp_path / "home/.aws/credentials").touch()
    keys = '"~/.aws/credentials" = "a"\n"~/gone" = "b"\n"~nobody/x" = "c"'
    write_pyproject(tmp_path / "shop", f"[tool.hatch.build.targets.wheel.force-include]\n{keys}\n")
    assert paths_around(tmp_path / "shop") == [tmp_path / "home/.aws/credentials"]


def test_the_paths_that_hatch_toml_names(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / ".env").touch()
    text = '[build.targets.wheel.force-include]\n"../.env" = "shop/settings.txt"\n'
    (tmp_path / "shop/hatch.toml").write_text(text, encoding="utf-8")
    assert paths_around(tmp_path / "shop") == [tmp_path / ".env"]


def test_what_is_found_below_what_is_found_is_looked_at_once(tmp_path: Path) -> None:
    """But what counts nowhere else counts by itself."""
    write_pyproject(tmp_path / "shop", '[tool.setuptools.package-data]\nshop = ["../a/**", "../a/cache/x.txt"]\n')
    for name in ("a/b/c/x.txt", "a/cache/CACHEDIR.TAG", "a/cache/x.txt", "a/cache/y.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert paths_around(tmp_path / "shop") == [tmp_path / "a", tmp_path / "a/cache/x.txt"]


def test_a_pattern_follows_no_links_in_circles(tmp_path: Path) -> None:
    """As installed JavaScript has them, of packages that need each other."""
    write_pyproject(tmp_path / "shop", '[tool.setuptools.package-data]\nshop = ["../shared/**/*.txt"]\n')
    for name in "pqr":
        modules = tmp_path / "shared" / name / "node_modules"
        modules.mkdir(parents=True)
        (modules.parent / "x.txt").touch()
        for other in {*"pqr"} - {name}:
            (modules / other).symlink_to(f"../../{other}")
    found = paths_around(tmp_path / "shop")
    assert {path.resolve() for path in found} == {tmp_path / "shared" / name / "x.txt" for name in "pqr"}
    assert len(found) < 20


def test_a_pattern_finds_what_a_link_leads_to(tmp_path: Path) -> None:
    write_pyproject(tmp_path / "shop", '[tool.setuptools.package-data]\nshop = ["../shared/**/*.txt"]\n')
    for name in ("data", "shared"):
        (tmp_path / name).mkdir()
    (tmp_path / "data/a.txt").touch()
    (tmp_path / "shared/link").symlink_to("../data")
    assert paths_around(tmp_path / "shop") == [tmp_path / "shared/link/a.txt"]


def test_what_a_file_is_called_that_a_pattern_finds_counts(tmp_path: Path) -> None:
    write_pyproject(tmp_path / "shop", '[tool.setuptools.data-files]\n"share" = ["../*.txt"]\n')
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
