"""Prepares ELF files for an image: no search paths of the build machine, no symbols, no missing libraries.

StaticX rejects libraries with a RUNPATH, and search paths of the build machine do not exist elsewhere.
Paths relative to the file itself ($ORIGIN, as in repaired wheels) are kept as an RPATH, which StaticX accepts.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from ..protocol import TocEntry

BINARY_TYPES = ("BINARY", "EXTENSION")
REPAIRED_LIBRARY = re.compile(r"-[0-9a-f]{8}\.")


def prepare(toc: Iterable[TocEntry], folder: Path, *, strip: bool) -> list[TocEntry]:
    """Replace every binary in a PyInstaller table of contents by a prepared copy below `folder`.

    Existing copies of files that have not changed since are used again.

    Args:
        toc: Entries (name in the program, source path, type code).
        folder: Where the copies go, under their names in the program.
        strip: Whether to remove symbols, where the result still loads.
    """
    entries = list(toc)
    binaries = [entry for entry in entries if entry[2] in BINARY_TYPES and entry[1]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        copies = list(pool.map(lambda entry: fit_copy(entry, folder, strip=strip), binaries))
    replaced = dict(zip(binaries, copies, strict=True))
    return [(entry[0], str(replaced[entry]), entry[2]) if entry in replaced else entry for entry in entries]


def forget_copies(toc: Iterable[TocEntry], own: Collection[Path], folder: Path) -> None:
    """Remove the copies of the project's own binaries, whose changes do not always show in their times."""
    for name, source, kind in toc:
        if kind in BINARY_TYPES and Path(source) in own:
            (folder / name).unlink(missing_ok=True)


def fit_copy(entry: TocEntry, folder: Path, *, strip: bool) -> Path:
    """The prepared copy of an entry's file, with that file's modification time."""
    name, source, _ = entry
    copy = folder / name
    modified = Path(source).stat().st_mtime_ns
    if not copy.exists() or copy.stat().st_mtime_ns != modified:
        copy_fit(Path(source), folder, name, strip=strip)
        os.utime(copy, ns=(modified, modified))
    return copy


def copy_fit(source: Path, folder: Path, name: str, *, strip: bool) -> Path:
    """Copy a binary to `folder/name`, without search paths of this machine and, if `strip`, without symbols."""
    copy = folder / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, copy)
    copy.chmod(0o755)
    localize_search_path(copy)
    if strip and may_be_stripped(name):
        strip_if_it_still_loads(copy)
    return copy


def search_path(binary: Path) -> tuple[str, list[str]]:
    """The kind of search path in a file ("rpath", "runpath" or "") and its folders."""
    try:
        with binary.open("rb") as stream:
            for segment in ELFFile(stream).iter_segments():
                if isinstance(segment, DynamicSegment):
                    for tag in segment.iter_tags():
                        kind = {"DT_RUNPATH": "runpath", "DT_RPATH": "rpath"}.get(tag.entry.d_tag)
                        if kind:
                            return kind, str(getattr(tag, kind)).split(":")
    except ELFError:
        pass
    return "", []


def localize_search_path(binary: Path) -> None:
    """Remove folders of this machine from the search path; turn what is left into an RPATH."""
    kind, folders = search_path(binary)
    relative = [folder for folder in folders if folder.startswith(("$ORIGIN", "${ORIGIN}"))]
    if not kind or (kind == "rpath" and relative == folders):
        return
    patchelf("--remove-rpath", str(binary))
    if relative:
        patchelf("--force-rpath", "--set-rpath", ":".join(relative), str(binary))


def patchelf(*arguments: str) -> None:
    subprocess.run(["patchelf", *arguments], check=True, capture_output=True)


def may_be_stripped(name: str) -> bool:
    """Whether a file may be stripped: libraries that auditwheel put into a wheel break."""
    path = Path(name)
    return not any(part.endswith(".libs") for part in path.parts) and not REPAIRED_LIBRARY.search(path.name)


def strip_if_it_still_loads(binary: Path) -> None:
    stripped = binary.with_name(binary.name + ".stripped")
    result = subprocess.run(["strip", "--strip-all", "-o", stripped, binary], capture_output=True, check=False)
    if result.returncode == 0 and (loads(stripped) or not loads(binary)):
        shutil.copyfile(stripped, binary)
    stripped.unlink(missing_ok=True)


def loads(binary: Path) -> bool:
    """Whether the dynamic loader can map the file, whether or not it finds the libraries that the file needs."""
    return listed([loader(), "--list"], binary, []).returncode == 0


@cache
def loader() -> str:
    """The dynamic loader of this Python. It is faster than ldd, a shell script that starts it several times."""
    with Path(sys.executable).resolve().open("rb") as stream:
        segments = ELFFile(stream).iter_segments()
        return next(str(each.get_interp_name()) for each in segments if isinstance(each, InterpSegment))


def listed(command: Sequence[str], binary: Path, folders: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    """Run a command that lists the libraries that a file needs, with these folders added to its search path."""
    search = [str(folder) for folder in folders] + os.environ.get("LD_LIBRARY_PATH", "").split(":")
    environment = {**os.environ, "LC_ALL": "C", "LD_LIBRARY_PATH": ":".join(filter(None, search))}
    return subprocess.run([*command, binary], capture_output=True, text=True, env=environment, check=False)


def unresolved(folder: Path) -> list[tuple[str, str]]:
    """The libraries that binaries below `folder` need and that are neither there nor in the system.

    Returns:
        Pairs (binary, library), sorted.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_elf(path)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outputs = list(pool.map(lambda path: listed(["ldd"], path, [folder]).stdout, files))
    return sorted(
        (str(path.relative_to(folder)), match[1])
        for path, output in zip(files, outputs, strict=True)
        for match in re.finditer(r"^\s*(\S+) => not found", output, re.MULTILINE)
    )


def is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"
