from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pystatic_tasks.errors import file_error
from pystatic_tasks.system.files import (
    beside,
    fingerprint,
    hash_file,
    hash_files,
    hash_tree,
    hashes_of_words,
    move_whole,
    named_below,
    open_regular,
    owned,
    packable_files,
    pid_namespace,
    read_json,
    read_source,
    remove_abandoned,
    unwritable_folder,
    walk,
    ways,
    write_whole,
)

SHA_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


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


def test_a_source_is_a_regular_file_and_not_too_large(output: Path, tmp_path: Path) -> None:
    assert read_source(output) == b"abc"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is not a regular file"):
        read_source(tmp_path / "pipe")
    with output.open("r+b") as file:
        file.truncate(64 * 2**20)
        assert len(read_source(output)) == 64 * 2**20
        file.truncate(64 * 2**20 + 1)
    with pytest.raises(OSError, match="it is larger than 64 MiB"):
        read_source(output)


def test_what_is_no_record_of_ours_is_one_of_two_errors(output: Path) -> None:
    output.write_text('{"a": [1]}', encoding="utf-8")
    assert read_json(output) == {"a": [1]}
    for content in (b"", b"{", b"\xff", b"[" * 100_000, b'{"a": ' * 100_000):
        output.write_bytes(content)
        with pytest.raises(ValueError):  # noqa: PT011
            read_json(output)
    os.truncate(output, 2**43)
    with pytest.raises(OSError, match="it is larger than 256 MiB"):
        read_json(output)


IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from pystatic_tasks.system.files import read_json

resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28))
try:
    print(read_json(Path(sys.argv[1])))
except ValueError as error:
    print(error)
"""


def read_in_little_memory(path: Path) -> str:
    command = [sys.executable, "-c", IN_LITTLE_MEMORY, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_what_needs_more_memory_than_there_is_is_no_record(output: Path) -> None:
    output.write_bytes(b"[" + b"[],{}," * 10_000_000 + b"0]")
    assert read_in_little_memory(output) == "it needs more memory than there is\n"


def test_a_small_record_needs_little_memory(output: Path) -> None:
    output.write_text('{"a": [1]}', encoding="utf-8")
    assert read_in_little_memory(output) == "{'a': [1]}\n"


def test_what_the_system_makes_while_it_is_read_has_no_size(output: Path) -> None:
    status = Path("/proc/self/status")
    assert status.stat().st_size == 0
    assert read_source(status).startswith(b"Name:")


def test_what_is_not_a_file_has_no_hash(tmp_path: Path) -> None:
    assert hash_file(tmp_path / "nowhere") == ""
    assert hash_file(tmp_path) == ""


def test_only_regular_files_are_read(tmp_path: Path, output: Path) -> None:
    """Of a pipe or a device, reading need not end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(output)
    (tmp_path / "zero").symlink_to("/dev/zero")
    assert [hash_file(tmp_path / name) for name in ("pipe", "zero", "link")] == ["", "", SHA_OF_ABC]
    with pytest.raises(OSError, match="it is not a regular file") as caught:
        open_regular(tmp_path / "pipe")
    assert str(file_error(caught.value)) == (
        f"{tmp_path}/pipe cannot be read or written: it is not a regular file.\nCheck the file and its folder."
    )


def test_a_walk_follows_links_to_folders_once(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "common").mkdir(parents=True)
    (tmp_path / "elsewhere" / "common" / "x.py").touch()
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.py").touch()
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (root / "loop").symlink_to(root)
    assert [str(path.relative_to(root)) for path in walk(root)] == ["a.py", "link", "link/common", "link/common/x.py"]


def test_a_walk_goes_deeper_than_python_calls(tmp_path: Path) -> None:
    levels = 300
    (tmp_path / "/".join("x" * levels)).mkdir(parents=True)
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(levels)
    try:
        assert sum(1 for _ in walk(tmp_path)) == levels
    finally:
        sys.setrecursionlimit(usual)


def test_a_tree_is_known_by_its_files_behind_links_too(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.py").touch()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    before = hash_tree(tmp_path / "root")
    (tmp_path / "elsewhere" / "x.py").write_text("x = 1\n", encoding="utf-8")
    assert hash_tree(tmp_path / "root") != before


@pytest.mark.parametrize("mode", [0o755, 0o654, 0o645])
@pytest.mark.parametrize("at", ["root", "root/run.sh"])
def test_who_may_execute_a_file_is_a_part_of_it(tmp_path: Path, at: str, mode: int) -> None:
    (tmp_path / "root").mkdir()
    path = tmp_path / "root" / "run.sh"
    path.touch(0o644)
    before = hash_tree(tmp_path / at)
    path.chmod(0o600)
    assert hash_tree(tmp_path / at) == before
    path.chmod(mode)
    assert hash_tree(tmp_path / at) != before


@pytest.mark.parametrize("leads_to", ["a.txt", "gone.txt", "folder"])
def test_a_link_is_told_from_what_it_leads_to_and_from_other_links(tmp_path: Path, leads_to: str) -> None:
    root = tmp_path / "root"
    for folder in (root / "folder", root / "same", root / "link"):
        folder.mkdir(parents=True)
    for name in ("a.txt", "same.txt", "b.txt"):
        (root / name).write_text("x", encoding="utf-8")
    paths = [root / name for name in ("a.txt", "same.txt", "b.txt", "link")]
    before = {hash_tree(root)}, {hash_files(root, paths)}
    (root / "b.txt").unlink()
    (root / "link").rmdir()
    for target in (leads_to, "same" if leads_to == "folder" else "same.txt"):
        path = root / ("link" if leads_to == "folder" else "b.txt")
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        for known, found in zip(before, (hash_tree(root), hash_files(root, paths)), strict=True):
            assert found not in known
            known.add(found)


def test_of_bytecode_only_that_beside_its_source_is_no_part_of_a_tree(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    before = hash_tree(tmp_path)
    (tmp_path / "__pycache__" / "x.cpython-312.pyc").touch()
    assert hash_tree(tmp_path) == before
    (tmp_path / "x.pyc").touch()
    assert hash_tree(tmp_path) != before


def test_what_is_not_there_has_no_hash(tmp_path: Path) -> None:
    assert hash_tree(tmp_path / "nowhere") == ""


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


def test_a_link_is_not_put_in_place_of_a_finished_file(tmp_path: Path, output: Path) -> None:
    (tmp_path / "link").symlink_to(output)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        move_whole(tmp_path / "link", tmp_path / "dist" / "program", 0o755)
    assert not (tmp_path / "dist").exists()


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


def test_folders_are_removed_whose_owner_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gone = f"ns{pid_namespace()}-99999999-x"
    stay = [f"{owned('a-')}x", f"b-{gone}", "a-nobody-x", "a-99999999-x"]
    for name in (*stay, f"a-{gone}"):
        (tmp_path / name).mkdir()
    remove_abandoned("a-", tmp_path / "nowhere")
    assert (tmp_path / f"a-{gone}").exists()
    remove_abandoned("a-")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(stay)


def test_folders_stay_whose_owner_may_live_in_another_pid_namespace(tmp_path: Path) -> None:
    """As of a build in a container that has the same /tmp."""
    namespace = Path("/proc/self/ns/pid").stat().st_ino
    assert owned("a-") == f"a-ns{namespace}-{os.getpid()}-"
    folder = tmp_path / f"a-ns{namespace + 1}-99999999-x"
    folder.mkdir()
    remove_abandoned("a-", tmp_path)
    assert folder.exists()


def test_what_others_call_like_an_abandoned_folder_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "mine").mkdir()
    gone = f"a-ns{pid_namespace()}-99999999-"
    (tmp_path / f"{gone}link").symlink_to("mine")
    (tmp_path / f"{gone}file").touch()
    (tmp_path / f"{gone}theirs").mkdir()
    seen: list[str] = []

    def remove(folder: Path) -> None:
        seen.append(folder.name)

    remove_abandoned("a-", remove=remove)
    assert seen == [f"{gone}theirs"]
    monkeypatch.setattr(os, "geteuid", lambda: (tmp_path / "mine").stat().st_uid + 1)
    remove_abandoned("a-", remove=remove)
    assert seen == [f"{gone}theirs"]


def test_a_path_leads_to_one_place_by_each_link_also_that_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "real/deep").mkdir(parents=True)
    for name, target in {
        "a": "real",
        "real/deep/b": "../../c",
        "c": f"{tmp_path}/a/deep/../d",
        "real/d": "deep",
        "deep": "real/deep",
        "up": "deep/../e",
    }.items():
        (tmp_path / name).symlink_to(target)
    assert [str(path.relative_to(tmp_path)) for path in ways(tmp_path / "a/deep/b/x")] == [
        *("a/deep/b/x", "real/deep/b/x", "c/x", "a/deep/../d/x", "real/d/x", "real/deep/x")
    ]
    assert [str(path.relative_to(tmp_path)) for path in ways(tmp_path / "up")] == ["up", "deep/../e", "real/e"]
    assert list(ways(tmp_path / "real/./deep/../x")) == [tmp_path / "real/x"]


def test_links_in_a_circle_are_followed_as_often_as_linux_does(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b/x")
    (tmp_path / "b").symlink_to("a")
    assert len(list(ways(tmp_path / "a"))) == 41


@pytest.mark.parametrize(
    ("beside", "is_one"),
    [
        ("pyproject.toml", True),
        ("noxfile.py", True),
        ("setup.cfg", True),
        ("build/pystatic/shop/lock", True),
        ("__init__.py", False),
        ("build/pystatic/x.txt", False),
    ],
)
@pytest.mark.parametrize("folder", ["build/pystatic", "dist/pystatic"])
def test_a_folder_of_our_names_is_ours_where_a_project_is(
    tmp_path: Path, folder: str, beside: str, is_one: bool
) -> None:
    for name in (f"{folder}/x.txt", beside):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert (str(tmp_path / folder / "x.txt") in packable_files(tmp_path)) is not is_one


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("conf/x.ini", ["conf/x.ini"]),
        ("--config=conf/x.ini", ["--config=conf/x.ini", "conf/x.ini"]),
        ("--all", ["--all"]),
        ("/etc/passwd", []),
        ("--config=/etc/passwd", ["--config=/etc/passwd"]),
        ("--config=", ["--config="]),
        ("..", []),
        ("", []),
    ],
)
def test_words_of_a_command_name_what_lies_below_a_folder(tmp_path: Path, word: str, names: list[str]) -> None:
    assert named_below(tmp_path, [word]) == [tmp_path / name for name in names]
    (tmp_path / "conf").mkdir()
    before = hashes_of_words(tmp_path, [word])
    (tmp_path / "conf/x.ini").touch()
    assert (hashes_of_words(tmp_path, [word]) != before) is ("conf/x.ini" in names)
