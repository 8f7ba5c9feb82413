from __future__ import annotations

import os
from pathlib import Path

import pytest

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.init.changes import Change, diff, read_text, write_all


def test_a_change_is_shown_as_a_diff(tmp_path: Path) -> None:
    change = Change(path=tmp_path / "a" / "x.toml", before="a = 1\r\nb = 2\r\n", after="a = 1\r\nb = 3\r\n")
    assert list(diff(change, tmp_path)) == [
        "--- a/x.toml",
        "+++ a/x.toml",
        "@@ -1,2 +1,2 @@",
        " a = 1",
        "-b = 2",
        "+b = 3",
    ]


def test_a_new_file_is_shown_as_one(tmp_path: Path) -> None:
    change = Change(path=tmp_path / "x.toml", before=None, after="a = 1\n")
    assert list(diff(change, tmp_path)) == ["--- /dev/null", "+++ x.toml", "@@ -0,0 +1 @@", "+a = 1"]


def test_files_are_replaced_with_their_modes_and_links_stay(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_bytes(b"a = 1\r\n")
    real.chmod(0o640)
    (tmp_path / "link.toml").symlink_to("real.toml")
    write_all([Change(path=tmp_path / "link.toml", before="a = 1\r\n", after="a = 2\r\n")], tmp_path)
    assert (tmp_path / "link.toml").is_symlink()
    assert real.read_bytes() == b"a = 2\r\n"
    assert f"{real.stat().st_mode:o}" == "100640"


def refused(tmp_path: Path, *changes: Change) -> str:
    """What is said if not all can be written; nothing is changed, and nothing is beside the files."""
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ConfigError) as caught:
        write_all(changes, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    return str(caught.value)


def two_changes(tmp_path: Path) -> list[Change]:
    for name in ("a", "b"):
        (tmp_path / name).write_text("1", encoding="utf-8")
    return [Change(path=tmp_path / name, before="1", after="2") for name in ("a", "b")]


def test_if_one_file_cannot_be_written_none_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = two_changes(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "b")
    assert refused(tmp_path, *changes) == (
        f"{tmp_path}/b cannot be written (Permission denied); nothing was written.\n"
        "Make the file and its folder writable."
    )


def test_if_a_folder_cannot_be_written_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert refused(tmp_path, Change(path=tmp_path / "new", before=None, after="2")) == (
        f"{tmp_path}/new cannot be written (Permission denied); nothing was written.\n"
        "Make the file and its folder writable."
    )


def test_what_somebody_else_changed_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    first, second = two_changes(tmp_path)
    second.path.write_text("3", encoding="utf-8")
    assert refused(tmp_path, first, second) == (
        f"{tmp_path}/b has changed in the meantime; nothing was written.\nRun init again."
    )


@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_written_through_a_link_out_of_the_project(tmp_path: Path, there: bool) -> None:
    outside, root = tmp_path / "outside.toml", tmp_path / "shop"
    root.mkdir()
    if there:
        outside.write_text("1", encoding="utf-8")
    (root / "pyproject.toml").symlink_to("../outside.toml")
    change = Change(path=root / "pyproject.toml", before="1" if there else None, after="2")
    with pytest.raises(ConfigError) as caught:
        write_all([change], root)
    assert str(caught.value) == (
        f"{root}/pyproject.toml is a link to {outside}, outside the project; nothing was written.\n"
        "Replace the link with a file."
    )
    assert outside.read_text(encoding="utf-8") == "1" if there else not outside.exists()
    # In the same repository it is the project's.
    (tmp_path / ".git").mkdir()
    write_all([change], root)
    assert outside.read_text(encoding="utf-8") == "2"


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError) as caught:
        read_text(path)
    assert str(caught.value) == f"{path} is not UTF-8.\nSave it as UTF-8."


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_text(tmp_path)
    assert str(caught.value) == f"{tmp_path} cannot be read: it is not a regular file.\nMake it a readable file."


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
def test_a_link_to_what_has_no_end_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to("/dev/zero")
    with pytest.raises(ConfigError) as caught:
        read_text(tmp_path / "x")
    assert str(caught.value) == f"{tmp_path}/x cannot be read: it is not a regular file.\nMake it a readable file."


def test_a_file_that_is_not_there_has_no_text(tmp_path: Path) -> None:
    assert read_text(tmp_path / "x") is None
