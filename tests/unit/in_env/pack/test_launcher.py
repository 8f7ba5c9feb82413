from __future__ import annotations

import os
import platform
import random
import shutil
import struct
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support import REPOSITORY

pytest.importorskip("zstandard", reason="zstandard is not installed")
pytest.importorskip("elftools", reason="pyelftools is not installed")

from pystatic_tasks.in_env.freeze.tree import INTERPRETER, LIBRARY, PACKAGES
from pystatic_tasks.in_env.pack import launcher
from pystatic_tasks.in_env.pack.launcher import build
from pystatic_tasks.in_env.pack.packed_places import place_of
from pystatic_tasks.in_env.protocol import LauncherQuestion, RefusedError, StaticExecutable

LAUNCHER = REPOSITORY / "pystatic_tasks" / "in_image" / "launcher"
TRAILER = struct.Struct("<3Q8s")
OWN = f"{PACKAGES}/shop/web.pyc"
LOADER = "lib64/ld-linux-x86-64.so.2"


@pytest.fixture
def question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LauncherQuestion:
    """A program that is laid out, but would not run."""
    monkeypatch.setattr(launcher, "LEVEL", 1)
    root = tmp_path / "tree"
    for name in (INTERPRETER, LOADER, "lib/libz.so.1", LIBRARY / "lib-dynload" / "x.so"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", root / name)
    (root / LOADER).write_bytes(Path("/bin/true").read_bytes() + b"--argv0")
    for name in ("shop", LIBRARY / "os.pyc", PACKAGES / "depx/page.html", OWN, "usr/local/share/lab/page.html"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"content of {name}", encoding="utf-8")
    (root / PACKAGES / "libz.so.1").symlink_to("depx.libs/libz.so.1")
    return LauncherQuestion(
        name="shop",
        program=str(root),
        output=str(tmp_path / "static"),
        machine=platform.machine(),
        launcher=str(LAUNCHER),
        options=("-ISuOO",),
        optimize=2,
        has_health_check=True,
        own_files=(OWN,),
        kept=str(tmp_path / "kept"),
    )


def index_of(content: bytes) -> bytes:
    import zstandard

    *_, packed, size, magic = TRAILER.unpack(content[-TRAILER.size :])
    assert magic == b"PYSTATL1"
    index = zstandard.ZstdDecompressor().decompress(content[-TRAILER.size - packed : -TRAILER.size])
    assert len(index) == size
    return index


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (INTERPRETER, "bin/interpreter"),
        (LIBRARY / "os.pyc", f"lib/{LIBRARY.name}/os.pyc"),
        (Path("usr/local/share/lab/x"), "share/lab/x"),
        (Path("lib/x86_64-linux-gnu/libz.so.1"), "lib/libz.so.1"),
        (Path("lib64/ld-linux-x86-64.so.2"), "run/shop"),
        (Path("lib/ld-linux-aarch64.so.1"), "run/shop"),
    ],
)
def test_files_lie_where_a_python_finds_them(path: Path, place: str) -> None:
    assert place_of(path, "shop") == place


def test_the_file_is_the_launcher_and_the_program_behind_it(question: LauncherQuestion) -> None:
    assert build(question) == StaticExecutable()
    content = Path(question.output).read_bytes()
    assert content.startswith((LAUNCHER / f"launcher-{question.machine}").read_bytes())
    index = index_of(content)
    assert index.startswith(b"shop\0\x01\x01-ISuOO\0")
    for name in ("bin/interpreter", "run/shop", "lib/libz.so.1", "share/lab/page.html", "launched.pyc"):
        assert index.count(name.encode() + b"\0") == 1
    assert b"tree" not in index


def test_the_same_files_are_the_same_bytes(question: LauncherQuestion, tmp_path: Path) -> None:
    build(question)
    elsewhere = tmp_path / "else where"
    shutil.copytree(question.program, elsewhere / "tree", symlinks=True)
    for path in (elsewhere / "tree").rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    other = replace(
        question, program=str(elsewhere / "tree"), output=str(elsewhere / "static"), kept=str(elsewhere / "kept")
    )
    build(other)
    assert Path(other.output).read_bytes() == Path(question.output).read_bytes()


def test_of_a_changed_line_only_the_projects_own_files_are_compressed_again(question: LauncherQuestion) -> None:
    build(question)
    kept = Path(question.kept)
    before = {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}
    time.sleep(0.01)
    (Path(question.program) / OWN).write_text("changed", encoding="utf-8")
    first = Path(question.output).read_bytes()
    build(question)
    after = {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}
    assert len(set(after.items()) - set(before.items())) == 1
    assert len(after) == len(before)
    assert Path(question.output).read_bytes() != first


def test_a_group_that_is_not_what_was_kept_is_compressed_again(question: LauncherQuestion) -> None:
    build(question)
    expected = Path(question.output).read_bytes()
    kept = {path: path.read_bytes() for path in Path(question.kept).iterdir()}
    for path, content in kept.items():
        others = [other for other in kept.values() if other != content]
        for left in (b"", content[:-1], content[:-1] + bytes([content[-1] ^ 1]), others[0]):
            path.write_bytes(left)
            build(question)
            assert Path(question.output).read_bytes() == expected
            assert {path: path.read_bytes() for path in Path(question.kept).iterdir()} == kept


def test_a_loader_that_is_too_old_is_told(question: LauncherQuestion) -> None:
    (Path(question.program) / LOADER).write_bytes(b"\x7fELF, of an older glibc")
    with pytest.raises(RefusedError) as caught:
        build(question)
    assert (caught.value.refusal.problem, caught.value.refusal.remedy) == (
        "The launcher cannot start a program with this machine's C library: glibc is older than 2.33.",
        'Build on a newer system, or set packer = "staticx" or layout = "tree".',
    )


def test_a_library_may_lie_in_two_folders_but_not_two_libraries_in_one_place(question: LauncherQuestion) -> None:
    other = Path(question.program) / "usr/lib/libz.so.1"
    other.parent.mkdir(parents=True)
    shutil.copy("/bin/true", other)
    build(question)
    assert index_of(Path(question.output).read_bytes()).count(b"lib/libz.so.1\0") == 1
    other.write_bytes(b"\x7fELF, and another")
    with pytest.raises(RefusedError) as caught:
        build(question)
    assert (caught.value.refusal.problem, caught.value.refusal.remedy) == (
        'Two files of the program would have the same path, "lib/libz.so.1".',
        'Leave one out, or set packer = "staticx" or layout = "tree".',
    )


def test_a_program_without_a_server_has_no_health_check(question: LauncherQuestion) -> None:
    build(replace(question, has_health_check=False, options=()))
    assert index_of(Path(question.output).read_bytes()).startswith(b"shop\0\x00\x00")


def test_a_large_program_is_compressed_in_parts_of_about_the_same_size(
    question: LauncherQuestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "PARTS", 2)
    sizes = [9, 5, 3, 2]
    files = [launcher.File(f"{size}.so", bytes(size), launcher.ELF_FILE) for size in sizes]
    for largest, expected in ((19, [sizes]), (18, [[9], [5, 3, 2]])):
        monkeypatch.setattr(launcher, "LARGE_BYTES", largest)
        groups = [group for group in launcher.group_files(question, files) if group.files]
        assert [[len(file.content) for file in group.files] for group in groups] == expected
        assert {group.level for group in groups} == {1 if largest == 19 else launcher.LEVEL_OF_LARGE}


def test_the_interpreter_with_its_modules_and_the_systems_libraries_are_compressed_apart(
    question: LauncherQuestion,
) -> None:
    of_python = ["bin/interpreter", "lib/libpython3.13.so.1.0", "lib/python3.13/lib-dynload/_ssl.so"]
    of_system = ["lib/libcrypto.so.3", "lib/libpng16.so.16", "run/shop"]
    files = [launcher.File(name, b"code", launcher.ELF_FILE) for name in (*of_system, *of_python)]
    groups = [group for group in launcher.group_files(question, files) if group.files]
    assert [[file.name for file in group.files] for group in groups] == [of_python, of_system]


def test_other_files_are_compressed_by_two_jobs_into_one_frame() -> None:
    import zstandard

    content = random.Random(1).randbytes(700_000) * 2
    alone, side_by_side = launcher.compress(content, 1), launcher.compress(content, 1, jobs=2)
    assert side_by_side != alone
    assert side_by_side == launcher.compress(content, 1, jobs=2)
    assert zstandard.frame_content_size(side_by_side) == len(content)
    assert zstandard.ZstdDecompressor().decompress(side_by_side) == content


def test_other_files_of_a_large_program_stay_together(
    question: LauncherQuestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "LARGE_BYTES", 1)
    files = [launcher.File(f"{name}.pyc", b"code", launcher.PLAIN_FILE) for name in "abc"]
    [group] = [group for group in launcher.group_files(question, files) if group.files]
    assert group == launcher.Group(files, launcher.LEVEL_OF_LARGE, launcher.JOBS_OF_OTHERS)
