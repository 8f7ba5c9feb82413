from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from support import nest

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.resolve.files import LARGEST_BYTES, read_sources
from pystatic_tasks.system.beneath import temporary_folder


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"file: {name}\n", encoding="utf-8")


def names(root: Path, *given: str, recursive: bool = False) -> list[str]:
    return [each.name for each in read_sources(root, given, recursive=recursive)]


def refused(root: Path, *given: str, recursive: bool = False) -> str:
    with pytest.raises(ConfigError) as caught:
        read_sources(root, given, recursive=recursive)
    return str(caught.value)


def test_of_a_folder_the_files_of_kubectls_endings_are_read_by_name(tmp_path: Path) -> None:
    write(tmp_path, "k8s/b.yml", "k8s/a.yaml", "k8s/c.json", "k8s/README.md", "k8s/d.yaml.bak", "k8s/a/e.yaml")
    assert names(tmp_path, "k8s") == ["k8s/a.yaml", "k8s/b.yml", "k8s/c.json"]


def test_folders_below_are_read_on_request_in_their_place(tmp_path: Path) -> None:
    write(tmp_path, "k8s/1.yaml", "k8s/2/x.yaml", "k8s/2/deep/y.yaml", "k8s/3.yaml")
    (tmp_path / "k8s/4").symlink_to(tmp_path / "k8s")
    assert names(tmp_path, "k8s/", recursive=True) == [
        *("k8s/1.yaml", "k8s/2/deep/y.yaml", "k8s/2/x.yaml", "k8s/3.yaml")
    ]


def test_folders_may_be_nested_deeper_than_calls() -> None:
    """In a folder that is removed by us: pytest's own cleanup fails at such depths before Python 3.13."""
    with temporary_folder("pystatic-test-") as root:
        (root / "k8s").mkdir()
        nest(root / "k8s", 1100)
        deepest = f"k8s/{'d/' * 1100}x.yaml"
        (root / deepest).touch()
        assert names(root, "k8s", recursive=True) == [deepest]


def test_a_file_that_is_named_may_be_called_anything_and_lie_anywhere(tmp_path: Path) -> None:
    write(tmp_path, "shop/deployment.txt", "other/service.yaml")
    (tmp_path / "shop/folder").symlink_to(tmp_path / "other")
    other = str(tmp_path / "other/service.yaml")
    assert names(tmp_path / "shop", "deployment.txt", other) == ["deployment.txt", other]
    assert names(tmp_path / "shop", "folder") == ["folder/service.yaml"]


def test_each_file_is_read_once_in_the_order_in_which_it_is_named(tmp_path: Path) -> None:
    write(tmp_path, "k8s/a.yaml", "k8s/b.yaml")
    (tmp_path / "k8s/c.yaml").symlink_to("a.yaml")
    assert names(tmp_path, "k8s/b.yaml", "k8s", f"{tmp_path}/k8s/a.yaml") == ["k8s/b.yaml", "k8s/a.yaml"]


def test_standard_input_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("größe: 1\r\n".encode()), encoding="ascii"))
    (source,) = read_sources(tmp_path, ["-", "-"], recursive=False)
    assert (source.name, source.text) == ("standard input", "größe: 1\r\n")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2")
    (source,) = read_sources(tmp_path, ["a.yaml"], recursive=False)
    assert source.text == "a: 1\r\nb: 2"


@pytest.mark.parametrize("name", ["none.yaml", "k8s/broken.yaml", "https://registry.example/a.yaml"])
def test_what_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s/broken.yaml").symlink_to("nowhere")
    assert refused(tmp_path, name) == (
        f"Cannot read {Path(name)}: No such file or directory.\n"
        "Name existing files and folders; after Nox's --, paths are relative to the project's folder."
    )


def test_what_may_have_no_end_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    os.mkfifo(tmp_path / "k8s/a.yaml")
    assert refused(tmp_path, "k8s").startswith("Cannot read k8s/a.yaml: it is not a regular file.\n")


def test_what_a_folder_holds_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s/\x1b[2J\n.yaml").touch()
    os.mkfifo(tmp_path / "k8s/\u202e.yaml")
    assert names(tmp_path, "k8s/\x1b[2J\n.yaml") == [r"k8s/\x1b[2J\n.yaml"]
    assert refused(tmp_path, "k8s").startswith(r"Cannot read k8s/\u202e.yaml: it is not a regular file.")


def test_a_folder_without_yaml_is_named_with_a_way_out(tmp_path: Path) -> None:
    write(tmp_path, "k8s/README.md", "k8s/more/notes.txt")
    assert refused(tmp_path, "k8s") == (
        "No file in the folder k8s ends in .json, .yaml or .yml.\n"
        "Name another folder, or add --recursive to read its subfolders too."
    )
    assert refused(tmp_path, "k8s", recursive=True) == (
        "No file in the folder k8s or its subfolders ends in .json, .yaml or .yml.\nName another folder."
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a: 1\nb: \xff", "k8s.yaml, line 2: the byte 0xff is not valid UTF-8.\nSave it as UTF-8, "),
        ("a: 1".encode("utf-16"), "k8s.yaml, line 1: the byte 0xff is not valid UTF-8.\nSave it as UTF-8, "),
        (b"a: 1\n\nb: \0", "k8s.yaml, line 3: the character U+0000 is not allowed in YAML.\nRemove it, "),
        ("a: 1\n\ufeffb: 2".encode(), "k8s.yaml, line 2: the character U+FEFF is not allowed in YAML.\nRemove it, "),
    ],
)
def test_what_is_no_text_is_refused_by_its_line(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "k8s.yaml").write_bytes(content)
    assert refused(tmp_path, "k8s.yaml") == f"{text}or name only YAML files."


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    assert refused(tmp_path, "huge.yaml") == (
        "huge.yaml is larger than 16 MB.\nName only files that are meant for a cluster."
    )
