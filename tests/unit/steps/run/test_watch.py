from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pystatic_tasks.steps.run import watch
from pystatic_tasks.steps.run.watch import changed, look, wait_for_change


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(watch, "SETTLE_SECONDS", 0.01)
    for name in ("shop.py", "pages/start.html", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    return tmp_path


def never(_: float) -> None:
    raise AssertionError("nothing was seen")


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda shop: (shop / "shop.py").write_text("other"), "shop.py"),
        (lambda shop: os.utime(shop / "pages/start.html", (1, 1)), "pages/start.html"),
        (lambda shop: (shop / "pages/more.html").touch(), "pages/more.html"),
        (lambda shop: (shop / "pages/start.html").unlink(), "pages/start.html"),
        (lambda shop: (shop / "new").write_text("x"), "new"),
        (lambda shop: [(shop / f"{number}.py").touch() for number in range(4)], "0.py, 1.py, 2.py, …"),
    ],
    ids=["written", "touched", "added", "removed", "not there before", "many"],
)
def test_a_change_is_seen_and_named(shop: Path, change: Change, names: str) -> None:
    watched = [shop, shop / "new"]
    before = look(watched)
    change(shop)
    after = wait_for_change(watched, before, never)
    assert changed(before, after, shop) == names
    assert look(watched) == after


@pytest.mark.parametrize(
    "name", [".shop.py.swp", "shop.py~", "#shop.py#", ".git/index", "__pycache__/shop.pyc", "build/x", "dist/x"]
)
def test_what_tools_keep_beside_them_is_not_watched(shop: Path, name: str) -> None:
    before = look([shop])
    (shop / name).parent.mkdir(exist_ok=True)
    (shop / name).touch()
    assert look([shop]) == before


def test_a_hidden_file_that_is_named_is_watched(shop: Path) -> None:
    before = look([shop, shop / ".env"])
    (shop / ".env").touch()
    assert changed(before, look([shop, shop / ".env"]), shop) == ".env"


def test_it_is_looked_again_and_again(shop: Path) -> None:
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            (shop / "shop.py").write_text("other", encoding="utf-8")

    before = look([shop])
    assert wait_for_change([shop], before, wait) != before
    assert len(waited) == 2
    assert min(waited) >= 1.0


def test_several_files_may_be_written_one_after_the_other(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = [shop / "a.py", shop / "b.py"]
    monkeypatch.setattr(time, "sleep", lambda _: writes.pop().touch() if writes else None)
    before = look([shop])
    (shop / "c.py").touch()
    assert changed(before, wait_for_change([shop], before, never), shop) == "a.py, b.py, c.py"
