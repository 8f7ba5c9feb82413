from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support import BECOMING_NOBODY, as_nobody, nest, run_as_nobody

from pystatic_tasks.errors import PystaticError
from pystatic_tasks.system.beneath import (
    make_file,
    make_folder,
    make_link,
    names_below,
    open_up,
    temporary_folder,
)
from pystatic_tasks.system.files import owned, pid_namespace


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A folder with a link out of it."""
    (tmp_path / "top").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "top/out").symlink_to("../outside")
    return tmp_path / "top"


@pytest.mark.parametrize(
    "make",
    [
        lambda top: make_file(top, "out/x", [b"x"], 0o644),
        lambda top: make_link(top, "out/x", "y"),
        lambda top: make_folder(top, "out/x"),
        lambda top: make_folder(top, "out"),
    ],
)
def test_nothing_is_made_behind_a_link(top: Path, make: Callable[[Path], None]) -> None:
    with pytest.raises(NotADirectoryError):
        make(top)
    assert list((top.parent / "outside").iterdir()) == []


@pytest.mark.parametrize("path", ["..", "../x", "a/../../x", "a/..", "./x", "a/.", "a//x", "/x", "x/"])
@pytest.mark.parametrize(
    "make",
    [
        lambda top, path: make_file(top, path, [b"x"], 0o644),
        lambda top, path: make_link(top, path, "y"),
        make_folder,
    ],
)
def test_nothing_is_made_at_a_path_that_could_lead_elsewhere(
    top: Path, make: Callable[[Path, str], None], path: str
) -> None:
    before = sorted(top.parent.rglob("*"))
    with pytest.raises(PystaticError) as caught:
        make(top, path)
    assert str(caught.value) == f"'{path}' is not a path below {top}.\nName one without '.', '..' and empty parts."
    assert sorted(top.parent.rglob("*")) == before


def test_what_has_the_name_of_a_link_takes_its_place(top: Path) -> None:
    make_file(top, "out", [b"a", b"b"], 0o600)
    assert (top / "out").read_bytes() == b"ab"
    assert (top.parent / "outside").is_dir()
    make_link(top, "out", "elsewhere")
    assert (top / "out").readlink() == Path("elsewhere")


def test_modes_are_those_that_are_asked_for(top: Path) -> None:
    umask = os.umask(0o077)
    try:
        make_file(top, "a/b/file", [], 0o644)
        make_folder(top, "sticky", 0o1777)
    finally:
        os.umask(umask)
    modes = [f"{(top / name).stat().st_mode:o}" for name in ("a", "a/b", "a/b/file", "sticky")]
    assert modes == ["40755", "40755", "100644", "41777"]


def test_what_lies_below_is_listed_and_no_link_followed(top: Path) -> None:
    make_file(top, "a/b/c", [], 0o644)
    assert sorted(names_below(top, 2)) == ["a", "a/b", "out"]
    assert sorted(names_below(top, 3)) == ["a", "a/b", "a/b/c", "out"]


def test_nothing_is_opened_up_behind_a_link(top: Path) -> None:
    (top.parent / "outside/inner").mkdir()
    make_folder(top, "a/b")
    for folder in ("outside", "outside/inner", "top", "top/a", "top/a/b"):
        (top.parent / folder).chmod(0o555)
    (top.parent / "link").symlink_to("outside")
    for each in (top, top.parent / "link", top.parent / "nowhere"):
        open_up(each)
    modes = {path.name: f"{path.stat().st_mode:o}" for path in top.parent.rglob("*") if not path.is_symlink()}
    assert modes == {"top": "40700", "a": "40700", "b": "40700", "outside": "40555", "inner": "40555"}


def test_folders_nested_deeper_than_calls_are_removed() -> None:
    with temporary_folder("pystatic-test-") as folder:
        nest(folder, 1100)
        (folder / "out").symlink_to(Path(__file__).parent)
    assert not folder.exists()
    assert Path(__file__).exists()


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_temporary_folder_of_a_killed_process_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_elsewhere: bool
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere" if is_elsewhere else tmp_path))
    left = tmp_path / f"x-ns{pid_namespace()}-99999999-abc"
    (left / "folder").mkdir(parents=True)
    with temporary_folder("x-", tmp_path if is_elsewhere else None) as folder:
        assert folder.name.startswith(owned("x-"))
        assert list(tmp_path.iterdir()) == [folder]


CLOSED = f"""
import json, os, sys
from pathlib import Path
from pystatic_tasks.system.beneath import make_file, names_below, remove_tree

{BECOMING_NOBODY}
top = Path(sys.argv[1], "top")
top.mkdir()
make_file(top, "a/b/c", [], 0o644)
make_file(top, "a/locked/inner/x", [], 0o644)
for name, mode in (("a/locked/inner", 0), ("a/locked", 0), ("a/b", 0o300), ("a", 0o500)):
    (top / name).chmod(mode)
listed = sorted(names_below(top, 9))
top.chmod(0)
remove_tree(top)
print(json.dumps([listed, os.listdir(sys.argv[1])]))
"""


@as_nobody
def test_folders_that_let_nobody_in_are_named_and_removed() -> None:
    assert json.loads(run_as_nobody(CLOSED)) == [["a", "a/b", "a/locked"], []]
