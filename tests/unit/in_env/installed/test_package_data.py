from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from types import ModuleType

import pytest
from support import install_distribution

from pystatic_tasks.in_env.installed import package_data

pytestmark = pytest.mark.usefixtures("nothing_installed")
FROM_FOLDER = "file:///home/somebody/shop"


def distribution(site: Path, name: str) -> importlib.metadata.Distribution:
    return importlib.metadata.Distribution.at(site / f"{name}-1.0.dist-info")


def plugin(site: Path, name: str, group: str) -> importlib.metadata.Distribution:
    install_distribution(site, name, f"{name}.py")
    info = site / f"{name}-1.0.dist-info"
    (info / "entry_points.txt").write_text(f"[{group}]\ncard = {name}:Card\n", encoding="utf-8")
    return distribution(site, name)


@pytest.mark.parametrize("name", ["page.html", "logo.svg", "model.bin", "words.txt", "Makefile"])
def test_what_is_no_code_is_data(name: str) -> None:
    assert package_data.is_data(Path("shop", name))


@pytest.mark.parametrize(
    "name", ["web.py", "web.pyi", "_fast.cpython-311.so", "_fast.c", "py.typed", "__pycache__/x.txt"]
)
def test_code_and_what_belongs_to_it_is_none(name: str) -> None:
    assert not package_data.is_data(Path("shop", name))


def test_package_data_and_metadata_of_the_project_are_its_own(tmp_path: Path) -> None:
    files = ("shop/__init__.py", "shop/templates/page.html", "../../bin/shop", "shop-1.0.dist-info/METADATA")
    install_distribution(tmp_path / "lib", "shop", *files, origin=FROM_FOLDER)
    assert list(package_data.own_data([distribution(tmp_path / "lib", "shop")])) == [
        (str(tmp_path / "lib/shop/templates/page.html"), "shop/templates"),
        (str(tmp_path / "lib/shop-1.0.dist-info/METADATA"), "shop-1.0.dist-info"),
    ]


def test_data_of_dependencies_is_left_to_their_hooks(tmp_path: Path) -> None:
    install_distribution(tmp_path, "depx", "depx/page.html")
    assert list(package_data.own_data([distribution(tmp_path, "depx")])) == []


def test_metadata_holds_no_path_of_the_build_machine(tmp_path: Path) -> None:
    info = "shop-1.0.dist-info"
    files = [f"{info}/{name}" for name in ("METADATA", "RECORD", "direct_url.json", "entry_points.txt", "licenses/X")]
    install_distribution(tmp_path, "shop", *files, origin=FROM_FOLDER)
    found = package_data.metadata_files(distribution(tmp_path, "shop"))
    assert [Path(source).name for source, _ in found] == ["METADATA", "entry_points.txt"]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("for each in entry_points(group='shop.cards'): ...", ["cardx"]),
        ('GROUP = "shop.cards"', ["cardx"]),
        ("import shop.cards", []),
        ("GROUP = 'shop.card'", []),
    ],
)
def test_plugins_are_those_of_groups_that_the_code_names(tmp_path: Path, code: str, names: list[str]) -> None:
    offered = [plugin(tmp_path, "cardx", "shop.cards"), plugin(tmp_path, "otherx", "other.plugins")]
    (tmp_path / "shop.py").write_text(code, encoding="utf-8")
    assert [module for _, module in package_data.plugins(offered, [tmp_path / "shop.py"])] == names


def test_scripts_are_no_plugins(tmp_path: Path) -> None:
    offered = [plugin(tmp_path, "cardx", "console_scripts")]
    (tmp_path / "shop.py").write_text("GROUP = 'console_scripts'", encoding="utf-8")
    assert package_data.plugins(offered, [tmp_path / "shop.py"]) == []


def test_data_beside_code_that_is_not_installed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("loosex/__init__.py", "loosex/texts/a.txt", "other/b.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "loosex", ModuleType("loosex"))
    assert list(package_data.loose_data([str(tmp_path)])) == [(str(tmp_path / "loosex/texts/a.txt"), "loosex/texts")]


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("shop-1.0.dist-info/RECORD", True),
        ("shop-1.0.dist-info/direct_url.json", True),
        ("shop-1.0.dist-info/METADATA", False),
        ("shop-1.0.dist-info/licenses/LICENSE", False),
        ("shop/RECORD", False),
        ("RECORD", False),
    ],
)
def test_what_installers_note_for_themselves_is_told_from_metadata(destination: str, expected: bool) -> None:
    assert package_data.tells_of_the_machine(destination) is expected
