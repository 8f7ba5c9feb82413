"""How cost grows: the slopes, the table, and the projects that are measured."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from bench.growth import GROWING, Cost, keep, read_costs, sizes, slopes, steeper, table, tables
from bench.synthetic import MODULES_OF_A_DEPENDENCY, Size, lay_out
from pystatic_tasks import load_config


def cost(figure: float) -> Cost:
    return Cost(
        build_seconds=figure,
        cpu_seconds=5,
        change_seconds=1.0,
        unchanged_seconds=0.5,
        peak_mib=100,
        size_bytes=1000,
        start_ms=50,
    )


def test_each_size_is_built_once() -> None:
    assert len(sizes()) == 9
    assert len(list(tables({size.name: cost(1) for size in sizes()}))) == len(GROWING)


@pytest.mark.parametrize(
    ("figures", "expected", "shown"),
    [
        ([10, 20, 110], [1, 1], "1.00"),
        ([0, 10, 190], [1, 2], "2.00"),
        ([10, 10, 100], [0, 1], ""),
        ([10, 5, 100], [-0.5, 19 / 18], ""),
    ],
    ids=["linear", "steeper", "from nothing", "falls first"],
)
def test_a_slope_is_what_one_more_costs(figures: list[float], expected: list[float], shown: str) -> None:
    found = slopes([10, 20, 110], figures)
    assert found == pytest.approx(expected)
    assert steeper(found) == shown


def test_the_table_has_figures_and_slopes() -> None:
    lines = table("modules", [10, 100, 1000], [cost(10), cost(19), cost(199)]).splitlines()
    assert lines[0] == "| modules | 10 | 100 | 1000 | each, 10 to 100 | each, 100 to 1000 | steeper |"
    assert lines[2] == "| build from nothing, s | 10.0 | 19.0 | 199.0 | 0.1 | 0.2 | 2.00 |"
    assert lines[6] == "| peak RSS of the build, MiB | 100 | 100 | 100 | 0 | 0 |  |"


def test_costs_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "growth.json"
    assert read_costs(path) == {}
    first, second = sizes()[:2]
    keep(path, first, cost(1))
    keep(path, second, cost(2))
    keep(path, first, cost(3))
    assert read_costs(path) == {first.name: cost(3), second.name: cost(2)}


def test_a_project_has_its_size(tmp_path: Path) -> None:
    size = Size(modules=12, dependencies=3, data_files=25, files_beside=100)
    lay_out(size, tmp_path / "grown")
    modules = sorted(path.name for path in (tmp_path / "grown/project/grown").glob("part_*.py"))
    assert len(modules) == 12
    assert len(list((tmp_path / "grown/project/grown/texts").glob("*/*.txt"))) == 25
    wheels = list((tmp_path / "grown/wheels").iterdir())
    assert len(wheels) == 3
    with zipfile.ZipFile(wheels[0]) as wheel:
        assert len([name for name in wheel.namelist() if "/part_" in name]) == MODULES_OF_A_DEPENDENCY
    for path in (tmp_path / "grown/project/grown").glob("*.py"):
        compile(path.read_text(encoding="utf-8"), path.name, "exec")
    [config] = load_config(tmp_path / "grown")
    assert config.name == "grown"
