from __future__ import annotations

import lzma
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.in_env.pack import blocks

FILTERS = [{"id": lzma.FILTER_LZMA2}]
FOR_BINARIES = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2}]
CONTENT = random.Random(1).randbytes(70_000) + b"abc" * 50_000


@pytest.mark.parametrize(
    "begins",
    [[0], [0, 1], [0, 127, 128, 20_000], [0, 70_000, len(CONTENT)], list(range(0, len(CONTENT), 1_111))],
    ids=["one", "a byte", "several", "an empty one at the end", "many"],
)
def test_blocks_are_one_stream_that_everybody_reads(tmp_path: Path, begins: list[int]) -> None:
    stream = blocks.compress(CONTENT, dict.fromkeys(begins, FILTERS), tmp_path / "kept")
    assert lzma.decompress(stream, format=lzma.FORMAT_XZ) == CONTENT
    (tmp_path / "content.xz").write_bytes(stream)
    told = subprocess.run(
        ["xz", "--list", "--robot", tmp_path / "content.xz"], capture_output=True, text=True, check=True
    )
    count = len([begin for begin in begins if begin < len(CONTENT)])
    assert told.stdout.splitlines()[1].split("\t")[:3] == ["file", "1", str(count)]


def test_each_block_has_its_own_filters(tmp_path: Path) -> None:
    stream = blocks.compress(CONTENT, {0: FILTERS, 70_000: FOR_BINARIES}, tmp_path)
    assert lzma.decompress(stream) == CONTENT


def test_a_block_is_compressed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    compress = lzma.compress

    def counted(content: bytes, **options: Any) -> bytes:
        sizes.append(len(content))
        return compress(content, **options)

    monkeypatch.setattr(lzma, "compress", counted)
    begins = {0: FILTERS, 70_000: FILTERS}
    first = blocks.compress(CONTENT, begins, tmp_path)
    assert blocks.compress(CONTENT, begins, tmp_path) == first
    assert sorted(sizes) == [70_000, 150_000]
    changed = CONTENT[:-1] + b"!"
    assert lzma.decompress(blocks.compress(changed, begins, tmp_path)) == changed
    assert sorted(sizes) == [70_000, 150_000, 150_000]
    blocks.compress(changed, {0: FILTERS, 70_000: FOR_BINARIES}, tmp_path)
    assert len(sizes) == 4


def test_a_block_that_is_not_what_was_kept_is_compressed_again(tmp_path: Path) -> None:
    first = blocks.compress(CONTENT, {0: FILTERS}, tmp_path)
    (path,) = tmp_path.iterdir()
    for left in (b"", path.read_bytes()[:-1], lzma.compress(b"another", check=lzma.CHECK_CRC32)):
        path.write_bytes(left)
        assert blocks.compress(CONTENT, {0: FILTERS}, tmp_path) == first


def test_blocks_of_earlier_contents_do_not_stay(tmp_path: Path) -> None:
    blocks.compress(CONTENT, {0: FILTERS, 5: FILTERS, 9: FILTERS}, tmp_path)
    blocks.compress(b"other", {0: FILTERS}, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("value", "written"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**32, "8080808010")]
)
def test_numbers_are_written_in_sevens_of_bits(value: int, written: str) -> None:
    assert blocks.number(value).hex() == written
    assert blocks.end_of_number(blocks.number(value) + b"\x80", 0) == len(blocks.number(value))
