"""Decompresses layers in pieces, as engines do."""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping

from pystatic_tasks.oci.compression import zstd_library
from pystatic_tasks.oci.manifest import LAYER_TYPES
from pystatic_tasks.oci.tar_reader import BrokenArchiveError
from pystatic_tasks.system.files import PIECE

# The type of uncompressed layers, which Docker writes; ours are always compressed.
TAR_TYPE = "application/vnd.oci.image.layer.v1.tar"
ZSTD = b"\x28\xb5\x2f\xfd"
# Readers detect compression by the first bytes, whatever the type: gzip, bzip2, xz, lz4, zstd, zstd's skippable frames.
COMPRESSED = re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ\0|\x04\x22\x4d\x18|[\x50-\x5f]\x2a\x4d\x18|" + re.escape(ZSTD))


def plain(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces; raises BrokenArchiveError if engines would decompress them."""
    first, whole = peeked(pieces)
    if COMPRESSED.match(first):
        raise BrokenArchiveError("a layer in it begins as something compressed does")
    yield from whole


def peeked(pieces: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first piece, and all pieces including it."""
    rest = iter(pieces)
    first = next(rest, b"")
    return first, itertools.chain([first], rest)


def gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress a gzip of one member in pieces; raises BrokenArchiveError if it is not valid."""
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS + 16)
    try:
        for piece in pieces:
            if inflate.eof:
                raise BrokenArchiveError("a layer in it is not valid gzip")
            rest = piece
            while rest and not inflate.eof:
                yield inflate.decompress(rest, PIECE)
                rest = inflate.unconsumed_tail
    except zlib.error:
        raise BrokenArchiveError("a layer in it is not valid gzip") from None
    if not inflate.eof or inflate.unused_data:
        raise BrokenArchiveError("a layer in it is not valid gzip")


def unpacked_zstd(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress a zstd frame in pieces.

    Raises:
        BrokenArchiveError: it is not exactly one valid frame.
        MissingToolError: the library is not installed.
    """
    library = zstd_library()
    unpack = library.ZstdDecompressor()
    first, whole = peeked(pieces)
    # Engines take anything that begins differently for a tar.
    if not first.startswith(ZSTD):
        raise BrokenArchiveError("a layer in it is not valid zstd")
    try:
        for piece in whole:
            if unpack.eof:
                raise BrokenArchiveError("a layer in it is not valid zstd")
            yield unpack.decompress(piece, PIECE)
            while not unpack.needs_input and not unpack.eof:
                yield unpack.decompress(b"", PIECE)
    except library.ZstdError:
        raise BrokenArchiveError("a layer in it is not valid zstd") from None
    if not unpack.eof or unpack.unused_data:
        raise BrokenArchiveError("a layer in it is not valid zstd")


UNPACK: Mapping[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    TAR_TYPE: plain,
    LAYER_TYPES["gzip"]: gunzipped,
    LAYER_TYPES["zstd"]: unpacked_zstd,
}
