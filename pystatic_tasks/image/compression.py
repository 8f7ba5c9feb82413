"""How layers are compressed: always the same bytes for the same tar.

gzip by libdeflate, whose output is smaller than zlib's and the same on every machine,
whatever zlib its Python was built with; zstd by the reference library.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import deflate

from pystatic_tasks.config.model import Compression
from pystatic_tasks.errors import MissingToolError

# Of libdeflate's levels up to 12; the higher ones take twice as long for a thousandth less.
GZIP_LEVEL = 10
ZSTD_LEVEL = 19


def gzip(content: bytes) -> bytes:
    """Compress with a header that has neither a name nor a time."""
    return bytes(deflate.gzip_compress(content, GZIP_LEVEL))


def zstd(content: bytes) -> bytes:
    """Compress for engines that read it.

    Raises:
        MissingToolError: the library is not installed.
    """
    try:
        if sys.version_info >= (3, 14):
            from compression.zstd import compress
        else:
            from backports.zstd import compress
    except ImportError:
        raise MissingToolError(
            'tool.pystatic-tasks.image.compression = "zstd" needs a library that is not installed beside Nox.',
            'Install it: pip install "pystatic-tasks[zstd]".',
        ) from None
    return bytes(compress(content, ZSTD_LEVEL))


COMPRESS: Mapping[Compression, Callable[[bytes], bytes]] = {"gzip": gzip, "zstd": zstd}
