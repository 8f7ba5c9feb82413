from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.in_env.kept import made_once


def never() -> bytes:
    raise AssertionError("it was made again")


@pytest.mark.parametrize("content", [b"", b"one\ntwo\n", bytes(range(256)) * 4096])
def test_what_was_kept_is_made_once(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.packed"
    assert made_once(path, lambda: content) == content
    assert made_once(path, never) == content
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_as_it_was_kept_is_made_again(tmp_path: Path) -> None:
    path, other = tmp_path / "a.packed", tmp_path / "b.packed"
    made_once(path, lambda: b"content")
    made_once(other, lambda: b"another")
    whole = path.read_bytes()
    zeros = bytes(len(whole))
    for left in (b"", zeros, whole[:-1], whole + b"\0", whole[:-1] + b"T", b"content", other.read_bytes()):
        path.write_bytes(left)
        assert made_once(path, lambda: b"content") == b"content"
        assert path.read_bytes() == whole
