"""How layers are compressed: always the same bytes for the same tar.

gzip by libdeflate, whose output is smaller than zlib's and the same on every machine,
whatever zlib its Python was built with; zstd by the reference library.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

from pystatic_tasks.config.model import Compression
from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.oci.blobs import digest
from pystatic_tasks.system.files import write_whole

# Of libdeflate's levels up to 12; the higher ones take twice as long for a thousandth less.
GZIP_LEVEL = 10
ZSTD_LEVEL = 19
# An eighth of the time for a thirtieth more.
QUICK_LEVEL = 6


def gzip(content: bytes) -> bytes:
    """Compress with a header that has neither a name nor a time."""
    # Nobody needs it who only reads layers.
    import deflate

    return bytes(deflate.gzip_compress(content, GZIP_LEVEL))


def estimated(content: bytes) -> int:
    """Bytes that a content takes when gzip compresses it alone, in passing: an estimate, the same on every machine."""
    import deflate

    return len(deflate.gzip_compress(content, QUICK_LEVEL)) if content else 0


def zstd(content: bytes) -> bytes:
    """Compress for engines that read it.

    Raises:
        MissingToolError: the library is not installed.
    """
    return bytes(zstd_library().compress(content, ZSTD_LEVEL))


def zstd_library() -> ModuleType:
    """What reads and writes zstd.

    Raises:
        MissingToolError: it is not installed.
    """
    try:
        return import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    except ImportError:
        raise MissingToolError(
            'tool.pystatic-tasks.image.compression = "zstd" needs a library that is not installed beside Nox.',
            'Install it: pip install "pystatic-tasks[zstd]".',
        ) from None


COMPRESS: Mapping[Compression, Callable[[bytes], bytes]] = {"gzip": gzip, "zstd": zstd}


def library_version(name: Compression) -> str:
    """The library that compresses by a method, with its version; "" if it is not installed."""
    library = "deflate" if name == "gzip" else "backports.zstd"
    if name == "zstd" and sys.version_info >= (3, 14):
        return f"Python {sys.version}"
    try:
        return f"{library} {version(library)}"
    except PackageNotFoundError:
        return ""


def compress_once(name: Compression, content: bytes, folder: Path) -> bytes:
    """Compress a content, or take from `folder` what came out when it was compressed before."""
    path = folder / kept_name(name, digest(content))
    if path.exists():
        return path.read_bytes()
    compressed = COMPRESS[name](content)
    write_whole(path, compressed)
    return compressed


def kept_name(name: Compression, diff_id: str) -> str:
    """The name of the file with the compressed content, by the digest of the content before."""
    method = digest(library_version(name).encode())
    return "-".join(each.removeprefix("sha256:") for each in (diff_id, method)) + f".{name}"


def forget_others(folder: Path, names: Iterable[str]) -> None:
    """Remove all files from the folder but those of these names."""
    keep = set(names)
    for path in folder.glob("*"):
        if path.name not in keep:
            path.unlink()
