from __future__ import annotations

from pathlib import Path

from pystatic_tasks.steps.freeze.data.origins import Origins


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_same_bytes_go_before_the_same_name_where_projects_have_their_packages(tmp_path: Path) -> None:
    root = tmp_path / "project"
    for name in ("src/shop/a", "lib/shop/a", "lib/shop/b"):
        write(root / name, "x")
    write(root / "src/shop/c", "before the build")
    write(root / "lib/other", "same")
    origins = Origins(folders=[root], projects=[root], sites=[], others=frozenset())
    copies = {"a": "x", "b": "x", "c": "made of it", "d": "same", "e": "made"}
    found = {
        name: origins.find(write(tmp_path / name, text), Path("shop", name), lambda _: False)
        for name, text in copies.items()
    }
    assert found == {
        "a": root / "src/shop/a",
        "b": root / "lib/shop/b",
        "c": root / "src/shop/c",
        "d": root / "lib/other",
        "e": None,
    }


def test_of_many_files_only_those_of_the_same_name_are_looked_at(tmp_path: Path) -> None:
    root = tmp_path / "project"
    for number in range(50):
        write(root / f"shop/{number}.txt", f"{number}")
    origins = Origins(folders=[root], projects=[root], sites=[], others=frozenset())
    assert list(origins.named(Path("shop/7.txt"))) == [root / "shop/7.txt", root / "shop/7.txt"]
    assert origins.sources["7.txt"] == [root / "shop/7.txt"]
