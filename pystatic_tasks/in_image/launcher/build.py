"""Makes the launcher and the library of filters for all machines, from source: `build.py SDIST [--check]`.

SDIST is that of the zstandard package, which has the source of zstd as one file; the compiler is that of the ziglang
package, and brings musl. `nox -s launcher` gets both. The same bytes come of it wherever it runs: nothing in them
tells where that was.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distribution, version
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "source"
MACHINES = ("aarch64", "x86_64")

ZIGLANG = "0.17.1"
ZSTANDARD = "0.25.0"
ZSTANDARD_SHA256 = "7713e1179d162cf5c7906da876ec2ccb9c3a9dcbdffef0cc7f70c3667a205f0b"
# Of what is inside: the bill of materials names them too.
ZSTD_VERSION, MUSL_VERSION = "1.5.7", "1.2.5"
ZSTD_FILES = ("zstd.c", "zstd.h", "zstd_errors.h", "LICENSE")

# The C library is compiled with these too, when it is linked.
COMMON = (
    "-std=gnu11",
    "-fno-sanitize=all",
    "-ffunction-sections",
    "-fdata-sections",
    "-fomit-frame-pointer",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    # The paths of sources are relative; so is the folder that debuggers would be told.
    "-ffile-compilation-dir=.",
)
OURS = ("-Wall", "-Wextra", "-Werror", "-fstack-protector-strong", "-Izstd")
# Of several decoders for the same, one each: a launcher of 70 KB instead of 130 starts a program as fast.
ZSTD = (
    "-fno-stack-protector",
    "-DNDEBUG",
    "-DDYNAMIC_BMI2=0",
    "-DHUF_FORCE_DECOMPRESS_X1",
    "-DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT",
    "-DZSTD_STRIP_ERROR_STRINGS=1",
)
LINKED = ("-static", "-pie", "-s", "-Wl,--gc-sections", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack")
# For any C library, and without one.
LIBRARY = ("-shared", "-fPIC", "-O2", "-nostdlib", "-s", "-fno-stack-protector", "-Wl,-z,noexecstack")
# They take a sixth of the time to start, and are the only ones of ours that gain from more than -Os.
FAST = ("filters",)


def build(sdist: Path, work: Path) -> Iterator[tuple[str, bytes]]:
    """The name and content of every file that is made, among them the licences of what is inside.

    Args:
        sdist: Of zstandard.
        work: An empty folder.
    """
    unpack(sdist, work / "zstd")
    check_versions(work)
    (work / "source").symlink_to(SOURCE)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for machine, _ in zip(MACHINES, pool.map(lambda machine: build_for(machine, work), MACHINES), strict=True):
            for name in (f"filters-{machine}.so", f"launcher-{machine}"):
                yield name, (work / name).read_bytes()
    yield "LICENSE.zstd", (work / "zstd" / "LICENSE").read_bytes()
    yield "LICENSE.musl", (zig_library() / "libc" / "musl" / "COPYRIGHT").read_bytes()
    yield "LICENSE.zig", (zig_library().parent / "LICENSE").read_bytes()


def unpack(sdist: Path, folder: Path) -> None:
    found = hashlib.sha256(sdist.read_bytes()).hexdigest()
    if found != ZSTANDARD_SHA256:
        raise SystemExit(f"{sdist} is not the zstandard {ZSTANDARD} that is wanted: its SHA-256 is {found}.")
    folder.mkdir()
    with tarfile.open(sdist) as archive:
        for name in ZSTD_FILES:
            member = archive.extractfile(f"zstandard-{ZSTANDARD}/zstd/{name}")
            assert member is not None
            (folder / name).write_bytes(member.read())


def build_for(machine: str, work: Path) -> None:
    target = f"{machine}-linux-musl"
    objects = [compiled("zstd/zstd.c", target, work, *ZSTD)]
    for source in sorted(SOURCE.glob("*.c")):
        level = ("-O2",) if source.stem in FAST else ()
        objects.append(compiled(f"source/{source.name}", target, work, *OURS, *level))
    zig(work, "-target", target, "-Os", *COMMON, *LINKED, *objects, "-o", f"launcher-{machine}")
    zig(work, "-target", target, *COMMON, *LIBRARY, "source/filters.c", "-o", f"filters-{machine}.so")


def compiled(source: str, target: str, work: Path, *options: str) -> str:
    """The name of the object file that is made of a source."""
    made = f"{Path(source).stem}-{target}.o"
    zig(work, "-target", target, "-Os", "-fPIE", *COMMON, *options, "-c", source, "-o", made)
    return made


def zig(work: Path, *arguments: str) -> None:
    """Compile or link in that folder, with a cache of its own."""
    caches = {"ZIG_LOCAL_CACHE_DIR": str(work / "cache"), "ZIG_GLOBAL_CACHE_DIR": str(work / "cache")}
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", *arguments], cwd=work, env={**os.environ, **caches}, check=True
    )


def zig_library() -> Path:
    return Path(str(distribution("ziglang").locate_file("ziglang/lib")))


def check_versions(work: Path) -> None:
    """Raises SystemExit if what is inside is not what we say."""
    header = (work / "zstd" / "zstd.h").read_text(encoding="utf-8")
    zstd = ".".join(re.findall(r"#define ZSTD_VERSION_(?:MAJOR|MINOR|RELEASE) +(\d+)", header))
    header = (zig_library() / "libc" / "musl" / "src" / "internal" / "version.h").read_text(encoding="utf-8")
    musl = "".join(re.findall(r'#define VERSION "(.*)"', header))
    if (zstd, musl) != (ZSTD_VERSION, MUSL_VERSION):
        raise SystemExit(f"zstd and musl are to be {ZSTD_VERSION} and {MUSL_VERSION}, and are {zstd} and {musl}.")


def main(arguments: Sequence[str]) -> int:
    if version("ziglang") != ZIGLANG:
        raise SystemExit(f"ziglang is to be {ZIGLANG}, and is {version('ziglang')}.")
    different = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, content in build(Path(arguments[0]), work):
            file = HERE / name
            if not file.exists() or file.read_bytes() != content:
                different.append(name)
            if "--check" not in arguments:
                file.write_bytes(content)
                file.chmod(0o755 if name.startswith("launcher") else 0o644)
            print(f"{name}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    if "--check" in arguments and different:
        print(f"Not what the source gives: {', '.join(different)}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
