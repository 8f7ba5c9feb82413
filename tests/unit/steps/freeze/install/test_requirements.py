from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.steps.freeze.install.requirements import read_all


@pytest.mark.parametrize(
    "line",
    [
        "-r more.txt",
        "-rmore.txt",
        "  --requirement more.txt",
        "--requirement=more.txt",
        "-c more.txt  # why",
        "--constraint=more.txt",
        '-r "more.txt"',
        "-r 'more.txt'",
        "-r \\\nmore.txt",
        "--pre -r more.txt",
        "-r ${NAMED}",
        "-r file://{folder}/more.txt",
        "-r {folder}/more.txt",
        "-c 'unfinished\n-r more.txt",
        "-r more.txt\t# why",
    ],
)
def test_a_file_that_another_includes_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setenv("NAMED", "more.txt")
    (tmp_path / "base.txt").write_text(f"falcon\n{line.replace('{folder}', str(tmp_path))}\n", encoding="utf-8")
    (tmp_path / "more.txt").write_text("-r base.txt\n", encoding="utf-8")
    assert read_all([tmp_path / "base.txt"]).files == (tmp_path / "base.txt", tmp_path / "more.txt")


def test_what_a_link_includes_lies_beside_the_link(tmp_path: Path) -> None:
    """So pip and uv have it."""
    (tmp_path / "common/deep").mkdir(parents=True)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/common").symlink_to("../common/deep")
    (tmp_path / "common/base.txt").write_text("-c limits.txt\n-r common/../more.txt\n", encoding="utf-8")
    (tmp_path / "shop/base.txt").symlink_to("../common/base.txt")
    for name in ("common/limits.txt", "shop/limits.txt", "shop/more.txt"):
        (tmp_path / name).touch()
    (tmp_path / "common/more.txt").write_text("-r ../shop/common/../base.txt", encoding="utf-8")
    found = ["shop/base.txt", "shop/limits.txt", "common/more.txt", "common/base.txt", "common/limits.txt"]
    assert [str(path.relative_to(tmp_path)) for path in read_all([tmp_path / "shop/base.txt"]).files] == found


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_is_read_in_the_encoding_that_it_names(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding in ("utf-8-sig", "utf-16", "utf-32") else "\ufeff"
    (tmp_path / "base.txt").write_text(f"{mark}-r more#1.txt  # why\r\n", encoding=encoding, newline="")
    (tmp_path / "more#1.txt").touch()
    assert read_all([tmp_path / "base.txt"]).files == (tmp_path / "base.txt", tmp_path / "more#1.txt")


@pytest.mark.parametrize(
    "line", ["falcon", "# -r more.txt", "-r", "-r https://example.org/more.txt", "-r nowhere.txt", "--pre more.txt"]
)
def test_anything_else_is_none(tmp_path: Path, line: str) -> None:
    (tmp_path / "base.txt").write_text(f"{line}\n", encoding="utf-8")
    (tmp_path / "more.txt").touch()
    assert read_all([tmp_path / "base.txt"]).files == (tmp_path / "base.txt",)


@pytest.mark.parametrize(
    "line",
    [
        "-f wheels",
        "-fwheels",
        "--find-links=wheels",
        "--find-links file://{folder}/wheels",
        "--find-links file:{folder}/wheels",
        "--find-links file:wheels",
        "--find-links file:more/../wheels",
        "-i file://{folder}/wheels",
        "--index-url={folder}/wheels",
        "--extra-index-url file://localhost{folder}/wheels",
    ],
)
def test_a_folder_that_is_searched_is_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "base.txt").write_text(line.replace("{folder}", str(tmp_path)), encoding="utf-8")
    (tmp_path / "wheels").mkdir()
    assert read_all([tmp_path / "base.txt"]).places == (tmp_path / "wheels",)


@pytest.mark.parametrize("value", ["wheels", "file:wheels"])
def test_a_folder_that_is_not_beside_the_file_is_found_where_pip_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "base.txt").write_text(f"--find-links {value}\n", encoding="utf-8")
    (tmp_path / "wheels").mkdir()
    assert read_all([tmp_path / "requirements" / "base.txt"]).places == (tmp_path / "wheels",)


@pytest.mark.parametrize("line", ["-f https://example.org/wheels", "--index-url https://example.org", "-f nowhere"])
def test_no_other_folder_is_searched(tmp_path: Path, line: str) -> None:
    (tmp_path / "base.txt").write_text(line, encoding="utf-8")
    assert read_all([tmp_path / "base.txt"]).places == ()


@pytest.mark.parametrize(
    "line", ["-e .", "-e.", "--editable=.", "-e .[web]", "--editable '.[web,db]' ; python_version > '3'", "-e file:."]
)
def test_an_editable_project_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "base.txt").write_text("-r ../more.txt\n", encoding="utf-8")
    (tmp_path / "more.txt").write_text(f"{line}\n", encoding="utf-8")
    assert read_all([tmp_path / "requirements" / "base.txt"]).editable == (tmp_path,)


@pytest.mark.parametrize("line", ["-e git+https://example.org/shop", ".", "-e nowhere", "-e", "shop # -e ."])
def test_nothing_else_is_editable(tmp_path: Path, line: str) -> None:
    (tmp_path / "base.txt").write_text(line, encoding="utf-8")
    assert read_all([tmp_path / "base.txt"]).editable == ()
