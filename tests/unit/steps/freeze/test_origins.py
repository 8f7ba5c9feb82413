from __future__ import annotations

from pathlib import Path

from pystatic_tasks.steps.freeze.origins import Origins


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
    origins = Origins(folders=[root], projects=[root], sites=[], own=frozenset())
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
