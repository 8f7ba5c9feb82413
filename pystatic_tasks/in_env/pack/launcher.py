"""Packs a program of plain files into one static executable: the launcher, followed by the compressed files.

The format is described in in_image/launcher/source/payload.h.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path

import zstandard

from ..elf.binaries import is_elf
from ..elf.filters import Filter, filtered
from ..exchange import respond
from ..freeze.tree import LIBRARY, PREFIX, PYC_HEADER
from ..kept import made_once
from ..protocol import LauncherQuestion, RefusedError, StaticExecutable
from .packed_places import LAUNCHED, place_of

# As in payload.h.
FOLDER, PLAIN_FILE, LINK, ELF_FILE = b"dfle"
MAGIC = b"PYSTATL1"
ALIGNMENT = 8
PAGE = 4096
# All levels decompress equally fast. With the sample app (6.4 MB), 22, the highest, saves 2 KB compared with 20 and
# takes a fifth longer; 19 costs 12 KB. With large programs, 22 saves 0.4 % and takes three times as long.
LEVEL, LEVEL_OF_LARGE = 20, 19
LARGE_BYTES = 32_000_000
PARTS = 4
# For the sample app's 5.5 MB of bytecode and data, two jobs add 5 KB to 6.5 MB, in two thirds of the time.
JOBS_OF_OTHERS = 2
PLACES_OF_PYTHON = ("bin/", "lib/python", "lib/libpython")
OTHER_WAYS = 'set packer = "staticx" or layout = "tree"'
# An option of glibc's loader since 2.33.
NEEDED_OF_LOADER = b"--argv0"


@dataclass(frozen=True)
class File:
    """A file of a program, or a link: its path in the folder that the launcher creates, and its content."""

    name: str
    content: bytes
    kind: int


@dataclass(frozen=True)
class Group:
    """Files to compress together.

    Attributes:
        files: The files, in order.
        level: Compression level of zstd.
        jobs: Number of pieces of equal size that are compressed in parallel, into one frame.
    """

    files: Sequence[File]
    level: int
    jobs: int


@dataclass(frozen=True)
class Packed:
    """Files that were compressed together.

    Attributes:
        files: The files, in order.
        filters: The filters that were applied to each.
        size: Size before compression, in bytes.
        content: The compressed content.
    """

    files: Sequence[File]
    filters: Sequence[Sequence[Filter]]
    size: int
    content: bytes


def build(question: LauncherQuestion) -> StaticExecutable:
    files = list(without_doubles(read_tree(question)))
    check_loader(question, files)
    groups = [group for group in group_files(question, files) if group.files]
    launcher, kept = Path(question.launcher), Path(question.kept)
    kept.mkdir(parents=True, exist_ok=True)
    paths = [kept / name_of(group, launcher) for group in groups]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        packed = list(pool.map(lambda group, path: pack(group, launcher, path), groups, paths))
    for path in set(kept.iterdir()) - set(paths):
        path.unlink()
    write(question, packed)
    return StaticExecutable()


def check_loader(question: LauncherQuestion, files: Iterable[File]) -> None:
    """Raise RefusedError if the C library's loader is too old."""
    loader = next(file.content for file in files if file.name == f"run/{question.name}")
    if NEEDED_OF_LOADER not in loader:
        raise RefusedError(
            "The launcher cannot start a program with this machine's C library: glibc is older than 2.33.",
            f"Build on a newer system, or {OTHER_WAYS}.",
        )


def without_doubles(files: Iterable[File]) -> Iterator[File]:
    """The files without duplicates: a library may be in two folders that become one.

    Raises:
        RefusedError: two different files would have the same path.
    """
    known: dict[str, File] = {}
    for file in files:
        if known.setdefault(file.name, file) != file:
            raise RefusedError(
                f'Two files of the program would have the same path, "{file.name}".', f"Leave one out, or {OTHER_WAYS}."
            )
        if known[file.name] is file:
            yield file


def read_tree(question: LauncherQuestion) -> Iterator[File]:
    """The files of the program by their paths below the launcher's folder; see `place_of`."""
    root, name = Path(question.program), question.name
    yield File(LAUNCHED, compiled_script(question), PLAIN_FILE)
    for path in sorted(each for each in root.rglob("*") if each.is_symlink() or not each.is_dir()):
        inside = path.relative_to(root)
        if inside != Path(name):
            yield read_file(path, place_of(inside, name))


def compiled_script(question: LauncherQuestion) -> bytes:
    source = Path(question.launcher, "launched.py").read_bytes()
    code = compile(source, LAUNCHED.removesuffix("c"), "exec", dont_inherit=True, optimize=question.optimize)
    return PYC_HEADER + marshal.dumps(code)


def read_file(path: Path, name: str) -> File:
    if path.is_symlink():
        return File(name, os.fsencode(path.readlink()), LINK)
    return File(name, path.read_bytes(), ELF_FILE if is_elf(path) else PLAIN_FILE)


def group_files(question: LauncherQuestion, files: Sequence[File]) -> Iterator[Group]:
    """The files in groups: ELF files and others apart, and in each the project's own, which change more often.

    ELF files are split further, so that threads compress and unpack them in parallel.
    """
    own = {place_of(Path(path), question.name) for path in question.own_files}
    for is_code in (True, False):
        some = [file for file in files if (file.kind == ELF_FILE) is is_code]
        for is_own in (False, True):
            group = ordered(file for file in some if (file.name in own) is is_own)
            is_large = size_of(group) > LARGE_BYTES
            split = in_parts if is_large else by_origin
            parts, jobs = (split(group), 1) if is_code else ([group], JOBS_OF_OTHERS)
            yield from (Group(part, LEVEL_OF_LARGE if is_large else LEVEL, jobs) for part in parts)


def by_origin(files: Sequence[File]) -> list[list[File]]:
    """Split files into the interpreter with its modules and the system's libraries, each half of a small program."""
    of_python: list[File] = []
    of_system: list[File] = []
    for file in files:
        (of_python if file.name.startswith(PLACES_OF_PYTHON) else of_system).append(file)
    return [of_python, of_system]


def size_of(files: Iterable[File]) -> int:
    """The size of files, in bytes."""
    return sum(len(file.content) for file in files)


def in_parts(files: Iterable[File]) -> list[list[File]]:
    """Split files, given with the largest first, into parts of about the same size."""
    parts: list[list[File]] = [[] for _ in range(PARTS)]
    sizes = [0] * PARTS
    for file in files:
        smallest = sizes.index(min(sizes))
        parts[smallest].append(file)
        sizes[smallest] += len(file.content)
    return parts


def ordered(files: Iterable[File]) -> list[File]:
    """Sort similar files together: bytecode by path, other files by suffix, ELF files by size."""
    return sorted(files, key=lambda file: (*kinship(file), file.name))


def kinship(file: File) -> tuple[object, ...]:
    if file.kind == ELF_FILE:
        return (-len(file.content),)
    suffix = Path(file.name).suffix
    return (suffix != ".pyc", suffix)


def name_of(group: Group, launcher: Path) -> str:
    """A file name for a compressed group; equal groups have equal names."""
    found = hashlib.sha256(repr((group.level, group.jobs, zstandard.__version__)).encode())
    for path in sorted(launcher.glob("filters-*")):
        found.update(path.read_bytes())
    for file in group.files:
        found.update(struct.pack("<BQ", file.kind, len(file.content)) + file.content)
    return f"{found.hexdigest()}.packed"


def pack(group: Group, launcher: Path, kept: Path) -> Packed:
    """Compress files together, unless the result is already in the file `kept`."""
    head, _, packed = made_once(kept, lambda: compressed(group, launcher)).partition(b"\n")
    size, filters = json.loads(head)
    return Packed(group.files, [[Filter(*one) for one in each] for each in filters], size, packed)


def compressed(group: Group, launcher: Path) -> bytes:
    """A line with the size of the content and the filters of each file, and the compressed content."""
    content, applied = joined(group.files, launcher)
    head = json.dumps([len(content), [[astuple(one) for one in each] for each in applied]])
    return head.encode() + b"\n" + compress(content, group.level, group.jobs)


def joined(files: Sequence[File], launcher: Path) -> tuple[bytes, list[list[Filter]]]:
    """The content to compress, and the filters of each file; ELF files are padded so that each begins at a page."""
    content = bytearray()
    applied: list[list[Filter]] = []
    for file in files:
        is_elf_file = file.kind == ELF_FILE
        changed, filters = filtered(file.content, launcher) if is_elf_file else (file.content, [])
        content += changed
        content += bytes(-len(content) % PAGE if is_elf_file else 0)
        applied.append(filters)
    return bytes(content), applied


def compress(content: bytes, level: int, jobs: int = 1) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level,
        source_size=max(len(content), 1),
        write_checksum=True,
        write_content_size=True,
        **(side_by_side(len(content), jobs) if jobs > 1 else {}),
    )
    return zstandard.ZstdCompressor(compression_params=parameters).compress(content)


def side_by_side(size: int, jobs: int) -> dict[str, int]:
    """Parameters of zstd for parallel jobs; each job reads a quarter of the window before its piece."""
    return {"threads": jobs, "job_size": -(-size // jobs), "overlap_log": 7}


def write(question: LauncherQuestion, packed: Sequence[Packed]) -> None:
    launcher = Path(question.launcher, f"launcher-{question.machine}").read_bytes()
    launcher += bytes(-len(launcher) % ALIGNMENT)
    described = describe(question, packed)
    index = compress(described, LEVEL)
    trailer = struct.pack("<3Q8s", len(launcher), len(index), len(described), MAGIC)
    Path(question.output).write_bytes(b"".join([launcher, *(each.content for each in packed), index, trailer]))


def describe(question: LauncherQuestion, packed: Sequence[Packed]) -> bytes:
    """The index of all files."""
    names = [file.name for each in packed for file in each.files if file.kind == ELF_FILE]
    loader, interpreter = names.index(f"run/{question.name}"), names.index("bin/interpreter")
    head = string(question.name) + struct.pack("<BB", question.has_health_check, len(question.options))
    head += b"".join(map(string, question.options)) + struct.pack("<II", loader, interpreter)
    sizes = [struct.pack("<QQ", len(each.content), each.size) for each in packed]
    frames = struct.pack("<I", len(packed)) + b"".join(sizes)
    entries = [entry(FOLDER, 0, folder) for folder in folders_of(packed)]
    for number, each in enumerate(packed):
        for file, filters in zip(each.files, each.filters, strict=True):
            entries.append(entry(file.kind, number, file.name, len(file.content), filters))
    return head + frames + struct.pack("<I", len(entries)) + b"".join(entries)


def entry(kind: int, frame: int, name: str, size: int = 0, filters: Sequence[Filter] = ()) -> bytes:
    described = b"".join(struct.pack("<4I", *astuple(each)) for each in filters)
    return struct.pack("<BBBQ", kind, frame, len(filters), size) + string(name) + described


def string(text: str) -> bytes:
    return os.fsencode(text) + b"\0"


def folders_of(packed: Iterable[Packed]) -> list[str]:
    """All folders, each after its parent. Python warns if the folder for extension modules is missing."""
    names = [file.name for each in packed for file in each.files]
    found = {str(parent) for name in names for parent in Path(name).parents}
    return sorted((found | {str(LIBRARY.relative_to(PREFIX) / "lib-dynload"), "lib", "bin"}) - {"."})


def main(question: Path, answer: Path) -> None:
    respond(LauncherQuestion, build, question, answer)
