from __future__ import annotations

import hashlib
import io
import os
import tarfile
import time
from pathlib import Path

import pytest

from pystatic_tasks.errors import ImageError
from pystatic_tasks.oci.blobs import digest
from pystatic_tasks.oci.layers import Entry, Layer, make_layer, write_tar

LONG = "/" + "ü" * 120 + "/" + "x" * 200


def members(layer: Layer) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(layer.tar), mode="r:") as tar:
        return tar.getmembers()


def make(entries: list[Entry], modified: int = 0) -> Layer:
    return make_layer("program", entries, modified, {})


def some_entries(file: Path) -> list[Entry]:
    return [
        Entry(path="/srv", mode=0o755),
        Entry(path="/srv/größe 1", mode=0o644, content=b"eins"),
        Entry(path="/shop", mode=0o755, content=file),
        Entry(path="/tmp", mode=0o1777),
        Entry(path="/link", mode=0o777, link="srv/größe 1"),
    ]


def test_the_same_entries_are_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"program")
    before = make(some_entries(first), 1000)

    second.write_bytes(b"program")
    second.chmod(0o600)
    os.utime(second, (1, 1))
    if os.geteuid() == 0:
        os.chown(second, 1234, 1234)
    monkeypatch.setattr(time, "time", lambda: 5e9)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    umask = os.umask(0o077)
    try:
        after = make(some_entries(second), 1000)
    finally:
        os.umask(umask)
    assert after == before


def test_entries_keep_their_order_and_modes(tmp_path: Path) -> None:
    (tmp_path / "shop").write_bytes(b"program")
    layer = make(some_entries(tmp_path / "shop"), 1000)
    assert [(member.name, f"{member.mode:o}", member.isdir()) for member in members(layer)] == [
        ("srv", "755", True),
        ("srv/größe 1", "644", False),
        ("shop", "755", False),
        ("tmp", "1777", True),
        ("link", "777", False),
    ]


def test_everything_is_roots_and_of_one_time(tmp_path: Path) -> None:
    (tmp_path / "shop").write_bytes(b"program")
    layer = make(some_entries(tmp_path / "shop"), 1000)
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members(layer)} == {(0, 0, "", "")}
    assert {member.mtime for member in members(layer)} == {1000}


def test_files_are_read_whole(tmp_path: Path) -> None:
    (tmp_path / "shop").write_bytes(b"program")
    layer = make(some_entries(tmp_path / "shop"))
    with tarfile.open(fileobj=io.BytesIO(layer.tar)) as tar:
        read = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        assert {name: file.read() for name, file in read.items() if file} == {
            "srv/größe 1": b"eins",
            "shop": b"program",
        }


def test_long_names_survive() -> None:
    layer = make([Entry(path=LONG, mode=0o644, content=b"")])
    assert [f"/{member.name}" for member in members(layer)] == [LONG]


def test_a_link_leads_where_its_entry_says() -> None:
    layer = make([Entry(path="/lib", mode=0o777, link="usr/größe")])
    assert [(member.name, member.linkname, member.issym()) for member in members(layer)] == [("lib", "usr/größe", True)]


def test_the_blobs_are_the_tar_by_each_method() -> None:
    entries = [Entry(path="/a", mode=0o644, content=b"a")]
    layer = make_layer("program", entries, 0, {"gzip": lambda tar: tar[::-1], "zstd": lambda tar: tar[:10]})
    assert layer.blobs == {"gzip": layer.tar[::-1], "zstd": layer.tar[:10]}
    assert layer.tar == write_tar(entries, 0)
    assert layer.kind == "program"


def test_the_diff_id_is_of_the_uncompressed_tar() -> None:
    layer = make([Entry(path="/a", mode=0o644, content=b"a")])
    assert layer.diff_id == f"sha256:{hashlib.sha256(layer.tar).hexdigest()}"


def test_the_size_is_the_sum_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "shop").write_bytes(b"program")
    assert make(some_entries(tmp_path / "shop")).size_bytes == len("eins") + len("program")


def test_a_digest_names_its_algorithm() -> None:
    assert digest(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (Entry(path="/a/../../x", mode=0o644, content=b""), "'/a/../../x', which is not a path below the root."),
        (Entry(path="/a\nb", mode=0o644, content=b""), r"'/a\nb', which has a control character in its name."),
        (Entry(path="/l", mode=0o777, link="/etc"), "'/l', which is a link to the absolute path /etc."),
        (Entry(path="/l", mode=0o777, link="../x"), "'/l', which is a link out of the root, to ../x."),
    ],
)
def test_an_entry_that_could_leave_the_root_is_refused(entry: Entry, text: str) -> None:
    with pytest.raises(ImageError) as caught:
        write_tar([entry], 0)
    assert str(caught.value) == f"An archive cannot hold {text}\nRename the file, or leave it out."
