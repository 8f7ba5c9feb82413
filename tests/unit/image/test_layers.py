from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import time
from pathlib import Path

import pytest

from pystatic_tasks.image.layers import Layer, digest, make_layer
from pystatic_tasks.image.rootfs import Entry

LONG = "/" + "ü" * 120 + "/" + "x" * 200


def members(layer: Layer) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(layer.tar), mode="r:") as tar:
        return tar.getmembers()


def some_entries(file: Path) -> list[Entry]:
    return [
        Entry(path="/srv", mode=0o755),
        Entry(path="/srv/größe 1", mode=0o644, content=b"eins"),
        Entry(path="/shop", mode=0o755, content=file),
        Entry(path="/tmp", mode=0o1777),
    ]


def test_the_same_entries_are_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"program")
    before = make_layer("program", some_entries(first), 1000)

    second.write_bytes(b"program")
    second.chmod(0o600)
    os.utime(second, (1, 1))
    if os.geteuid() == 0:
        os.chown(second, 1234, 1234)
    monkeypatch.setattr(time, "time", lambda: 5e9)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    umask = os.umask(0o077)
    try:
        after = make_layer("program", some_entries(second), 1000)
    finally:
        os.umask(umask)
    assert after == before


def test_entries_keep_their_order_and_modes(tmp_path: Path) -> None:
    (tmp_path / "shop").write_bytes(b"program")
    layer = make_layer("program", some_entries(tmp_path / "shop"), 1000)
    assert [(member.name, f"{member.mode:o}", member.isdir()) for member in members(layer)] == [
        ("srv", "755", True),
        ("srv/größe 1", "644", False),
        ("shop", "755", False),
        ("tmp", "1777", True),
    ]


def test_everything_is_roots_and_of_one_time(tmp_path: Path) -> None:
    (tmp_path / "shop").write_bytes(b"program")
    layer = make_layer("program", some_entries(tmp_path / "shop"), 1000)
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members(layer)} == {(0, 0, "", "")}
    assert {member.mtime for member in members(layer)} == {1000}


def test_files_are_read_whole(tmp_path: Path) -> None:
    (tmp_path / "shop").write_bytes(b"program")
    layer = make_layer("program", some_entries(tmp_path / "shop"), 0)
    with tarfile.open(fileobj=io.BytesIO(layer.tar)) as tar:
        read = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        assert {name: file.read() for name, file in read.items() if file} == {
            "srv/größe 1": b"eins",
            "shop": b"program",
        }


def test_long_names_survive() -> None:
    layer = make_layer("program", [Entry(path=LONG, mode=0o644, content=b"")], 0)
    assert [f"/{member.name}" for member in members(layer)] == [LONG]


def test_the_blob_is_the_tar_compressed() -> None:
    layer = make_layer("program", [Entry(path="/a", mode=0o644, content=b"a" * 5000)], 0)
    assert gzip.decompress(layer.blob) == layer.tar
    assert len(layer.blob) < 1000


def test_the_blob_tells_no_time_and_no_name() -> None:
    layer = make_layer("program", [], 1000)
    flags, moment = layer.blob[3], layer.blob[4:8]
    assert (flags, moment) == (0, bytes(4))


def test_the_blob_does_not_tell_which_python_wrote_it() -> None:
    assert make_layer("program", [], 1000).blob[8:10] == b"\x02\x03"


def test_the_diff_id_is_of_the_uncompressed_tar() -> None:
    layer = make_layer("program", [Entry(path="/a", mode=0o644, content=b"a")], 0)
    assert layer.diff_id == f"sha256:{hashlib.sha256(layer.tar).hexdigest()}"
    assert layer.digest == f"sha256:{hashlib.sha256(layer.blob).hexdigest()}"
    assert layer.diff_id != layer.digest


def test_the_size_is_the_sum_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "shop").write_bytes(b"program")
    assert make_layer("program", some_entries(tmp_path / "shop"), 0).size_bytes == len("eins") + len("program")


def test_a_digest_names_its_algorithm() -> None:
    assert digest(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
