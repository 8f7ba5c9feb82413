"""Feeds what reads a payload with anything: `python -m fuzz ZSTD SECONDS`, by clang's libFuzzer and sanitizers."""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import zstandard

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1] / "pystatic_tasks" / "in_image" / "launcher" / "source"
SANITIZED = ("-g", "-O1", "-fno-sanitize-recover=undefined")
OURS = ("-std=gnu11", "-Wall", "-Wextra", "-Wno-unused-function", "-fsanitize=fuzzer,address,undefined")
# As build.py has them, and without checksums, which would keep out nearly all.
ZSTD = ("-DDYNAMIC_BMI2=0", "-DHUF_FORCE_DECOMPRESS_X1", "-DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT", "-DNDEBUG")
WITHOUT_CHECKSUMS = "-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION"
LONGEST = 40_000


def file_of(frames: Sequence[tuple[bytes, int]], entries: bytes, count: int, *, is_stored: bool) -> bytes:
    """A file as launcher.py writes it; each frame with how much it holds."""

    def packed(content: bytes) -> bytes:
        return content if is_stored else zstandard.ZstdCompressor(write_checksum=True).compress(content)

    head = b"shop\0" + struct.pack("<BB", 1, 1) + b"-ISu\0" + struct.pack("<III", 0, 1, len(frames))
    content = [packed(each) for each, _ in frames]
    head += b"".join(struct.pack("<QQ", len(each), len(frame[0])) for each, frame in zip(content, frames, strict=True))
    index = head + struct.pack("<I", count) + entries
    packed_index = packed(index)
    trailer = struct.pack("<3Q8s", 8, len(packed_index), len(index), b"PYSTATL1")
    return b"launcher" + b"".join(content) + packed_index + trailer


def entry(kind: str, frame: int, size: int, name: str, filters: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    described = b"".join(struct.pack("<4I", *each) for each in filters)
    return struct.pack("<BBBQ", ord(kind), frame, len(filters), size) + name.encode() + b"\0" + described


def seed(*, is_stored: bool) -> bytes:
    """A file with an entry of every kind, and a filter of every kind."""
    filters = [(kind, 64 * kind, 64, 4096) for kind in (3, 4, 5, 6, 7, 8, 9, 1, 2)]
    code = bytes(range(256)) * 4
    plain = b"content" + b"../target"
    entries = [
        entry("d", 0, 0, "lib"),
        entry("e", 0, 1000, "run/shop", filters),
        entry("e", 0, 900, "bin/interpreter", [(7, 0, 800, 1), (8, 800, 100, 2)]),
        entry("f", 1, 7, "lib/x.pyc"),
        entry("l", 1, 9, "lib/y"),
    ]
    frames = [(code[:1000].ljust(4096, b"\0") + code[:900].ljust(4096, b"\0"), 0), (plain, 0)]
    return file_of(frames, b"".join(entries), len(entries), is_stored=is_stored)


def compile_all(zstd: Path, folder: Path) -> None:
    zstd_object = (
        "-fsanitize=fuzzer-no-link,address",
        *SANITIZED,
        *ZSTD,
        WITHOUT_CHECKSUMS,
        "-c",
        str(zstd / "zstd.c"),
    )
    clang(folder, *zstd_object, "-o", "zstd.o")
    ours = (*OURS, *SANITIZED, f"-I{SOURCE}", f"-I{zstd}")
    clang(folder, *ours, "-DSTORED", str(HERE / "fuzz_payload.c"), "-o", "stored")
    clang(folder, *ours, str(HERE / "fuzz_payload.c"), "zstd.o", "-o", "frames")
    clang(folder, *ours, str(HERE / "fuzz_filters.c"), "-o", "filters")


def clang(folder: Path, *arguments: str) -> None:
    subprocess.run(["clang", *arguments], cwd=folder, check=True)


def fuzz(folder: Path, name: str, seeds: Sequence[bytes], seconds: int) -> int:
    corpus = folder / f"{name}-corpus"
    corpus.mkdir()
    for number, content in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(content)
    options = (f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=20", "-rss_limit_mb=3000", "-verbosity=1")
    found = f"-artifact_prefix={Path.cwd()}/{name}-"
    return subprocess.run([folder / name, *options, found, "-print_final_stats=1", corpus], check=False).returncode


def main(arguments: Sequence[str]) -> int:
    zstd, seconds = Path(arguments[0]).resolve(), int(arguments[1])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        compile_all(zstd, folder)
        codes = [
            fuzz(folder, "stored", [seed(is_stored=True)], seconds // 2),
            fuzz(folder, "frames", [seed(is_stored=False)], seconds // 4),
            fuzz(folder, "filters", [bytes([kind, 24]) + bytes(range(200)) for kind in range(10)], seconds // 4),
        ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
