"""Compresses an .xz stream in separate blocks: in parallel, and only once for the same content.

https://tukaani.org/xz/xz-file-format.txt
"""

from __future__ import annotations

import hashlib
import lzma
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..kept import made_once

HEADER_BYTES = FOOTER_BYTES = 12
FOOTER_MAGIC = b"YZ"
Filters = Sequence[dict[str, Any]]


def compress(content: bytes, begins: Mapping[int, Filters], kept: Path) -> bytes:
    """Compress content in blocks.

    Args:
        content: What to compress.
        begins: Where blocks begin, the first at 0, each with the filters of `lzma` for it.
        kept: Folder of blocks from earlier builds; afterwards it contains only those of this content.
    """
    kept.mkdir(parents=True, exist_ok=True)
    limits = [(start, end) for start, end in pairwise([*sorted(begins), len(content)]) if start < end]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda limit: compressed(content[slice(*limit)], begins[limit[0]], kept), limits))
    for path in set(kept.iterdir()) - {path for path, _ in found}:
        path.unlink()
    return join([stream for _, stream in found])


def compressed(content: bytes, filters: Filters, kept: Path) -> tuple[Path, bytes]:
    """The file where the stream of one block is kept, and the stream."""
    name = hashlib.sha256(repr(filters).encode() + content).hexdigest()
    path = kept / f"{name}.xz"
    return path, made_once(path, lambda: lzma.compress(content, check=lzma.CHECK_CRC32, filters=list(filters)))


def join(streams: Sequence[bytes]) -> bytes:
    """Join streams of one block each, with the same kind of check, into one stream."""
    blocks, records = [], []
    for stream in streams:
        index_bytes = (struct.unpack("<I", stream[-8:-4])[0] + 1) * 4
        blocks.append(stream[HEADER_BYTES : -FOOTER_BYTES - index_bytes])
        # After the indicator and the number of records, which is 1.
        index = stream[-FOOTER_BYTES - index_bytes + 2 : -FOOTER_BYTES - 4]
        records.append(index[: end_of_number(index, end_of_number(index, 0))])
    index = b"\0" + number(len(records)) + b"".join(records)
    index += bytes(-len(index) % 4)
    index += crc32(index)
    flags = streams[0][6:8]
    size = struct.pack("<I", len(index) // 4 - 1)
    return streams[0][:HEADER_BYTES] + b"".join(blocks) + index + crc32(size + flags) + size + flags + FOOTER_MAGIC


def crc32(content: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(content))


def number(value: int) -> bytes:
    """Encode a number with variable length: seven bits per byte, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def end_of_number(content: bytes, start: int) -> int:
    """Where a number of variable length that begins at `start` ends."""
    while content[start] & 0x80:
        start += 1
    return start + 1
