from __future__ import annotations

import gzip as standard_gzip
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.oci.compression import COMPRESS, compress_once, estimated, gzip, zstd

CONTENT = b"".join(b"%d " % number for number in range(5000))


@pytest.fixture
def zstd_library() -> ModuleType:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    module: ModuleType = pytest.importorskip(name, reason="pystatic-tasks[zstd] is not installed")
    return module


def test_gzip_is_read_by_everybody() -> None:
    packed = gzip(CONTENT)
    assert standard_gzip.decompress(packed) == CONTENT
    assert len(packed) < len(standard_gzip.compress(CONTENT, 9))


def test_an_estimate_is_what_gzip_makes_of_it_in_passing() -> None:
    assert len(gzip(CONTENT)) <= estimated(CONTENT) < len(CONTENT) / 2
    assert estimated(b"") == 0


def test_gzip_tells_no_time_and_no_name() -> None:
    packed = gzip(CONTENT)
    flags, moment = packed[3], packed[4:8]
    assert (packed[:3], flags, moment) == (b"\x1f\x8b\x08", 0, bytes(4))


def test_gzip_does_not_tell_which_python_wrote_it() -> None:
    # Its marks for slow compression and for "unknown system": zlib's own depend on how it was built.
    assert gzip(CONTENT)[8:10] == b"\x02\xff"


def test_zstd_is_read_by_its_own_library_and_is_smaller(zstd_library: ModuleType) -> None:
    packed = zstd(CONTENT)
    assert zstd_library.decompress(packed) == CONTENT
    assert len(packed) < len(gzip(CONTENT))
    assert zstd(CONTENT) == packed


def test_nothing_can_be_compressed_too() -> None:
    assert standard_gzip.decompress(gzip(b"")) == b""


@pytest.mark.parametrize("left", [b"", gzip(CONTENT)[:-1], gzip(CONTENT[:-1])], ids=["nothing", "a part", "another"])
def test_what_is_kept_is_made_again_if_it_is_not_what_was_kept(tmp_path: Path, left: bytes) -> None:
    assert compress_once("gzip", CONTENT, tmp_path) == gzip(CONTENT)
    (path,) = tmp_path.iterdir()
    path.write_bytes(left)
    assert compress_once("gzip", CONTENT, tmp_path) == gzip(CONTENT)


def test_every_compression_of_the_configuration_has_its_method() -> None:
    assert {"gzip": gzip, "zstd": zstd} == COMPRESS


def test_the_library_for_zstd_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingToolError) as caught:
        zstd(CONTENT)
    assert str(caught.value) == (
        'tool.pystatic-tasks.image.compression = "zstd" needs a library that is not installed beside Nox.\n'
        'Install it: pip install "pystatic-tasks[zstd]".'
    )
    assert caught.value.exit_code == 3
