from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.steps.freeze.backends import paths_around


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('[tool.hatch]\na = { "../data" = ["../x.txt", { b = "../data/../x.txt" }] }', ["data", "x.txt"]),
        ('[tool.poetry]\nfrom = "../gone"', []),
        ('[tool.hatch]\na = ".."\nb = "../"\nc = "../shop/x.txt"\nd = "x.txt"\ne = ["../data\\u0000", 1]', []),
        ('[tool.pytest.ini_options]\ntestpaths = ["../data"]', []),
        ('[tool.uv.sources]\ndata = { path = "../data" }', []),
        ("tool = 1", []),
        ("[tool", []),
    ],
)
def test_the_paths_that_a_backend_is_told_of_outside_of_the_project(
    tmp_path: Path, text: str, names: list[str]
) -> None:
    for name in ("data/a.txt", "x.txt", "shop/x.txt", "shop/pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text if name.endswith(".toml") else "", encoding="utf-8")
    assert paths_around(tmp_path / "shop") == [tmp_path / name for name in names]


def test_rules_of_what_is_ignored_count_up_to_the_repository(tmp_path: Path) -> None:
    shop = tmp_path / "a/services/shop"
    shop.mkdir(parents=True)
    (tmp_path / "a/.git").mkdir()
    for name in ("a/services/shop", "a/services", "a", "."):
        (tmp_path / name / ".gitignore").touch()
    (tmp_path / "a/.hgignore").touch()
    assert paths_around(shop) == [tmp_path / f"a/{name}" for name in (".gitignore", ".hgignore", "services/.gitignore")]
