from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config import Image
from pystatic_tasks.config.model import Freeze
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.pipeline import (
    Manifest,
    asked_of_freeze,
    beside,
    fingerprint,
    hash_file,
    hash_tree,
    kept_folder,
    manifest_path,
    megabytes,
    move_whole,
    only_one,
    read_manifest,
    require_manifest,
    shown,
    stamps,
    steps_before,
    unchanged,
    unwritable_folder,
    walk,
    write_manifest,
    write_whole,
)

SHA_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return Image(root=tmp_path, project=tmp_path, name="shop", app="shop:app")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    path = tmp_path / "output"
    path.write_bytes(b"abc")
    return path


def test_the_fingerprint_is_that_of_the_content_alone() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": (2,), "a": 1})
    assert fingerprint(Path("/x")) == fingerprint("/x")
    assert len(fingerprint(None)) == 64


@pytest.mark.parametrize("other", [{"a": 2}, {"b": 1}, {"a": "1"}, {"a": [1]}, [1], {}])
def test_another_content_has_another_fingerprint(other: object) -> None:
    assert fingerprint({"a": 1}) != fingerprint(other)


def test_a_file_is_known_by_its_sha_256(output: Path) -> None:
    assert hash_file(output) == SHA_OF_ABC


def test_a_file_of_several_blocks_is_hashed_whole(output: Path) -> None:
    long = b"x" * (2**20 + 1)
    output.write_bytes(long)
    assert hash_file(output) == hashlib.sha256(long).hexdigest()


def test_what_is_not_a_file_has_no_hash(tmp_path: Path) -> None:
    assert hash_file(tmp_path / "nowhere") == ""
    assert hash_file(tmp_path) == ""


def test_a_manifest_is_read_as_it_was_written(image: Image, output: Path) -> None:
    written = write_manifest(image, "freeze", inputs="1234", outputs=[output], facts={"ports": [8000]})
    asked = asked_of_freeze(image)
    assert written == Manifest(asked=asked, inputs="1234", outputs={str(output): SHA_OF_ABC}, facts={"ports": [8000]})
    assert read_manifest(image, "freeze") == written
    assert require_manifest(image, "freeze") == written
    assert json.loads((image.root / "build/pystatic/shop/freeze.json").read_text(encoding="utf-8")) == {
        "step": "freeze",
        "asked": asked,
        "inputs": "1234",
        "outputs": {str(output): SHA_OF_ABC},
        "facts": {"ports": [8000]},
    }


@pytest.mark.parametrize(
    "change",
    [
        {"python": "3.99"},
        {"app": "other:app"},
        {"layout": "tree"},
        {"server": {"workers": 9}},
        {"freeze": Freeze(optimize=0)},
    ],
)
def test_what_was_left_of_another_configuration_is_refused(image: Image, change: dict[str, Any]) -> None:
    write_manifest(image, "freeze", inputs="1", outputs=[], facts={})
    with pytest.raises(PystaticError) as caught:
        require_manifest(replace(image, **change), "freeze")
    assert str(caught.value) == (
        f"What freeze left for shop in {image.work} is of another configuration.\n"
        "See whether the freeze session was skipped (Nox does so where an interpreter is missing)."
    )


def test_a_step_is_unchanged_if_it_would_leave_the_same_again(image: Image, output: Path) -> None:
    left = write_manifest(image, "freeze", inputs="1", outputs=[output], facts={})
    assert unchanged(image, "freeze", "1") == left
    assert unchanged(image, "freeze", "2") is None
    output.write_bytes(b"other")
    assert unchanged(image, "freeze", "1") is None


def test_a_step_is_done_again_for_another_configuration_of_the_same_inputs(image: Image) -> None:
    """Else the steps after it would refuse what it left, for ever."""
    write_manifest(image, "freeze", inputs="1", outputs=[], facts={})
    assert unchanged(replace(image, python="3.99"), "freeze", "1") is None


def test_a_walk_follows_links_to_folders_once(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "common").mkdir(parents=True)
    (tmp_path / "elsewhere" / "common" / "x.py").touch()
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.py").touch()
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (root / "loop").symlink_to(root)
    assert [str(path.relative_to(root)) for path in walk(root)] == ["a.py", "link", "link/common", "link/common/x.py"]


def test_a_tree_is_known_by_its_files_behind_links_too(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.py").touch()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    before = hash_tree(tmp_path / "root")
    (tmp_path / "elsewhere" / "x.py").write_text("x = 1\n", encoding="utf-8")
    assert hash_tree(tmp_path / "root") != before


def test_what_is_not_there_has_no_hash(tmp_path: Path) -> None:
    assert hash_tree(tmp_path / "nowhere") == ""


def test_each_step_has_a_manifest_of_its_own(image: Image) -> None:
    write_manifest(image, "freeze", inputs="1", outputs=[], facts={})
    assert read_manifest(image, "staticx") is None


def test_a_changed_output_makes_the_manifest_worthless(image: Image, output: Path) -> None:
    write_manifest(image, "freeze", inputs="1234", outputs=[output], facts={})
    output.write_bytes(b"abd")
    assert read_manifest(image, "freeze") is None


def test_a_lost_output_makes_the_manifest_worthless(image: Image, output: Path) -> None:
    write_manifest(image, "freeze", inputs="1234", outputs=[output], facts={})
    output.unlink()
    assert read_manifest(image, "freeze") is None


def test_an_output_that_never_was_makes_the_manifest_worthless(image: Image, tmp_path: Path) -> None:
    write_manifest(image, "freeze", inputs="1234", outputs=[tmp_path / "nowhere"], facts={})
    assert read_manifest(image, "freeze") is None


@pytest.mark.parametrize("content", ["", "{", "{}", '{"inputs": "1", "outputs": {}}', "\x00"])
def test_a_broken_manifest_is_none(image: Image, content: str) -> None:
    write_whole(manifest_path(image, "freeze"), content)
    assert read_manifest(image, "freeze") is None


def test_a_missing_step_is_named_with_the_session_to_run(image: Image) -> None:
    with pytest.raises(PystaticError) as caught:
        require_manifest(image, "staticx")
    assert str(caught.value) == (
        f"What staticx leaves for shop is not in {image.root}/build/pystatic/shop.\n"
        "Run the staticx session first (it runs by itself unless Nox was told --no-dependencies)."
    )


@pytest.mark.parametrize("content", ["größe\n", b"\x00\xff"])
def test_a_file_is_written_with_its_folders_and_nothing_beside_it(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_whole(path, content)
    assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_finished_file_is_put_in_its_place_with_its_mode(tmp_path: Path, output: Path) -> None:
    target = tmp_path / "dist" / "shop" / "program"
    for _ in ("new", "over the old one"):
        move_whole(output, target, 0o755)
    assert target.read_bytes() == b"abc"
    assert target.stat().st_mode & 0o7777 == 0o755
    assert list(target.parent.iterdir()) == [target]


def test_a_place_that_is_taken_by_a_folder_is_left_alone(tmp_path: Path, output: Path) -> None:
    target = tmp_path / "dist" / "program"
    target.mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        move_whole(output, target, 0o755)
    with pytest.raises(IsADirectoryError):
        write_whole(target, "new")
    assert list(target.parent.iterdir()) == [target]


def test_a_lost_source_leaves_the_target_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "dist" / "program"
    write_whole(target, "old")
    with pytest.raises(FileNotFoundError):
        move_whole(tmp_path / "nowhere", target, 0o755)
    assert target.read_text(encoding="utf-8") == "old"
    assert list(target.parent.iterdir()) == [target]


def test_paths_are_shown_from_the_projects_folder(image: Image) -> None:
    assert shown(image, image.dist / "image.tar") == "dist/pystatic/shop/image.tar"
    assert shown(image, Path("/etc/passwd")) == "/etc/passwd"


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(0, "0.00 MB"), (4_999, "0.00 MB"), (7_996_000, "8.00 MB"), (123_456_789, "123.46 MB")]
)
def test_sizes_are_shown_in_decimal_megabytes(size_bytes: int, text: str) -> None:
    assert megabytes(size_bytes) == text


def test_a_folder_that_nobody_may_write_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unwritable_folder(tmp_path) is None
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name == "build")
    (tmp_path / "build").mkdir()
    assert str(unwritable_folder(tmp_path)) == (
        f"The folder {tmp_path} is not writable.\n"
        "Make it writable: results go to dist/ and work files to build/ in the project's folder."
    )
    (tmp_path / "dist").mkdir()
    assert str(unwritable_folder(tmp_path)).startswith(f"The folder {tmp_path}/dist is not writable.")


def test_the_file_that_a_full_disk_did_not_take_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="x") as caught, beside(tmp_path / "dist" / "image.tar") as temporary:
        raise OSError(errno.ENOSPC, "x", str(temporary))
    assert (caught.value.filename, caught.value.filename2) == (f"{tmp_path}/dist/image.tar", None)


# One build of an image at a time.


def test_a_second_build_waits_for_the_first(image: Image) -> None:
    said: list[str] = []
    order: list[str] = []

    def second() -> None:
        with only_one(image, said.append):
            order.append("second")

    waiting = threading.Thread(target=second)
    with only_one(image, said.append):
        waiting.start()
        while not said:
            time.sleep(0.001)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]
    assert said == ["another build of shop is running here; waiting for it"]


def test_builds_of_different_images_do_not_wait(image: Image) -> None:
    said: list[str] = []
    with only_one(image, said.append), only_one(replace(image, name="other"), said.append):
        assert said == []


def test_what_a_killed_build_left_half_written_is_removed(image: Image) -> None:
    for folder in (image.dist, image.work):
        folder.mkdir(parents=True)
        (folder / ".image.tar.4711.part").write_bytes(b"half")
        (folder / "image.tar").write_bytes(b"whole")
    with only_one(image, print):
        pass
    assert [path.name for path in image.dist.iterdir()] == ["image.tar"]
    assert sorted(path.name for path in image.work.iterdir()) == ["image.tar", "lock"]


def test_each_step_follows_from_those_before_it() -> None:
    assert steps_before("smoke") == ["image", "staticx", "freeze"]
    assert steps_before("freeze") == []


def test_what_a_step_keeps_is_gone_if_nothing_is_to_be_used_again(image: Image) -> None:
    folder = kept_folder(image, "layers", use_cache=True)
    folder.mkdir(parents=True)
    (folder / "one").touch()
    assert (kept_folder(image, "layers", use_cache=True) / "one").exists()
    assert not kept_folder(image, "layers", use_cache=False).exists()


def test_a_stamp_is_another_where_a_file_was_written_and_none_where_it_is_gone(output: Path) -> None:
    first = stamps([str(output), str(output.parent / "gone")])
    assert first == {str(output): [3, output.stat().st_mtime_ns]}
    os.utime(output, ns=(1, 1))
    assert stamps([str(output)]) == {str(output): [3, 1]} != first
