from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.steps.meanwhile import changed_at, is_any_changed, is_changed_by_others, now, states

SLOWER_THAN_CLOCKS = 0.02


@pytest.fixture
def config(tmp_path: Path) -> ImageConfig:
    return ImageConfig(root=tmp_path / "shop", project=tmp_path / "shop", name="shop", app="shop:app")


def later() -> int:
    began = now()
    time.sleep(SLOWER_THAN_CLOCKS)
    return began


def test_a_time_that_is_set_hides_no_change_and_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    os.utime(path, (2**33, 2**33))
    began = later()
    assert not is_any_changed([path], began)
    path.write_text("x", encoding="utf-8")
    os.utime(path, (1, 1))
    assert is_any_changed([path], began)


def test_a_link_counts_as_what_it_leads_to_and_as_itself(tmp_path: Path) -> None:
    file, link = tmp_path / "x", tmp_path / "link"
    file.touch()
    link.symlink_to("x")
    began = later()
    file.write_text("x", encoding="utf-8")
    assert is_any_changed([link], began)
    began = later()
    link.unlink()
    link.symlink_to("x")
    assert is_any_changed([link], began)
    assert not is_any_changed([file], began)


def test_what_is_not_there_was_never_changed(tmp_path: Path) -> None:
    assert changed_at(tmp_path / "nowhere") == 0
    (tmp_path / "link").symlink_to("nowhere")
    assert changed_at(tmp_path / "link") > 0


def test_another_file_of_the_same_size_and_time_is_another(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").touch()
        os.utime(tmp_path / name / "x", (1, 1))
    (tmp_path / "link").symlink_to("one")
    paths = [f"{tmp_path}/link", f"{tmp_path}/link/x", f"{tmp_path}/nowhere"]
    before = states(paths)
    assert states(paths) == before
    assert before[paths[2]] == ()
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("two")
    assert {path for path in paths if states(paths)[path] != before[path]} == set(paths[:2])


def make(folder: Path, *names: str) -> None:
    for path in (folder / name for name in names):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def comes_and_goes(folder: Path) -> None:
    make(folder, "more.py")
    (folder / "more.py").unlink()


def test_a_folder_counts_where_no_new_one_in_it_tells_why_it_changed(config: ImageConfig, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    began = later()
    make(folder, "build/pystatic/shop/lock", "__pycache__/x.pyc")
    (folder / "build/here").symlink_to("/usr")
    assert not is_changed_by_others(config, "use", [folder], began)
    began = later()
    comes_and_goes(folder)
    assert is_changed_by_others(config, "use", [folder], began)


def test_what_is_made_anew_tells_why_its_folder_changed(config: ImageConfig, tmp_path: Path) -> None:
    make(tmp_path, ".nox/freeze/pyvenv.cfg", ".nox/tests/pyvenv.cfg")
    began = later()
    shutil.rmtree(tmp_path / ".nox/freeze")
    make(tmp_path, ".nox/freeze/pyvenv.cfg")
    assert not is_changed_by_others(config, "use", [tmp_path / ".nox"], began)


@pytest.mark.parametrize("name", [".git/index", "__pycache__/x.pyc", "x.py", "shop/x.py"])
def test_what_was_there_before_tells_nothing_of_why_its_folder_changed(
    config: ImageConfig, tmp_path: Path, name: str
) -> None:
    make(tmp_path / "x", name, ".git/HEAD", "__pycache__/y.pyc", "shop/y.py")
    began = later()
    comes_and_goes(tmp_path / "x")
    (tmp_path / "x" / name).unlink()
    make(tmp_path / "x", name)
    assert is_changed_by_others(config, "use", [tmp_path / "x"], began)


def test_a_note_names_no_path(config: ImageConfig, tmp_path: Path) -> None:
    began = later()
    make(tmp_path / "x", "token.json")
    comes_and_goes(tmp_path / "x")
    assert is_changed_by_others(config, "use", [tmp_path / "x", tmp_path / "x/token.json"], began)
    notes = [path.read_text(encoding="utf-8") for path in config.work.rglob("*") if path.is_file()]
    assert notes
    assert not any("token" in note for note in notes)


def test_what_was_changed_so_the_last_time_too_is_the_builds_own(config: ImageConfig, tmp_path: Path) -> None:
    path = tmp_path / "version.py"

    def is_changed(text: str) -> bool:
        began = later()
        path.write_text(text, encoding="utf-8")
        return is_changed_by_others(config, "use", [path], began)

    assert [is_changed(text) for text in ("1", "1", "2", "2")] == [True, False, True, False]
    assert not is_changed_by_others(config, "use", [path], now())
    assert is_changed("2")


@pytest.mark.parametrize("text", ["", "{", "1", "[1]", "null", '{"x": []}', "[[[], 1]]", "[" * 100_000])
def test_a_broken_note_is_none(config: ImageConfig, tmp_path: Path, text: str) -> None:
    note = config.work / "kept/changed-meanwhile/use.json"
    note.parent.mkdir(parents=True)
    note.write_text(text, encoding="utf-8")
    began = later()
    (tmp_path / "x").touch()
    assert is_changed_by_others(config, "use", [tmp_path / "x"], began)
