"""Transforms machine code and tables of ELF files so that they compress better.

The filters are in in_image/launcher/source/filters.c. They are compiled into a library for every machine that images
are built on, and into the launcher, which undoes them.
"""

from __future__ import annotations

import ctypes
import io
import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section

# The numbers in filters.h.
X86_64_CODE, AARCH64_CODE, RELOCATIONS, SYMBOLS, VERSIONS = range(1, 6)
UNWIND_TABLE, UNWIND_FRAMES, UNWIND_INDEX, HASHES = range(6, 10)
CODE = {"EM_X86_64": X86_64_CODE, "EM_AARCH64": AARCH64_CODE}
TABLES = {"SHT_RELA": RELOCATIONS, "SHT_DYNSYM": SYMBOLS, "SHT_SYMTAB": SYMBOLS, "SHT_GNU_versym": VERSIONS}
UNDO, APPLY = range(2)
# Length of the head of an index of frames, in bytes; the rest can be computed.
INDEX_HEAD = 12
# As in elf_files.c: how far beyond the end of a file the addresses in its code may point, in bytes.
BEYOND_END = 1 << 20
BY_NAME = {".eh_frame": UNWIND_FRAMES, ".eh_frame_hdr": UNWIND_INDEX, ".gnu.hash": HASHES}
FOLLOWING = (".eh_frame_hdr", ".gnu.hash")
# The index of the packed files has room for this many filters of a file.
MOST = 255
# In bytes; smaller parts are not worth a filter.
SMALLEST = 64


@dataclass(frozen=True)
class Filter:
    """A filter, applied to a part of a file.

    Attributes:
        kind: Which filter.
        offset: Where the part begins, in bytes.
        length: Length of the part, in bytes.
        extra: The lower 32 bits of the part's load address; for hashes, where the names begin in the file.
    """

    kind: int
    offset: int
    length: int
    extra: int


class Filters:
    """The library of filters for this machine, applied to one file."""

    def __init__(self, folder: Path, content: bytes) -> None:
        self.library = ctypes.CDLL(str(folder / f"filters-{platform.machine()}.so"))
        self.content = content
        self.end = ctypes.c_uint32(len(content) + BEYOND_END)
        self.frames: Filter | None = None
        self.symbols: Filter | None = None

    def apply(self, wanted: Filter) -> tuple[Filter, bytes] | None:
        """Apply a filter, or another one for the same part, that can be undone.

        Returns:
            The filter and the changed part; None if no filter can be undone.
        """
        part = self.part_of(wanted)
        if wanted.kind == UNWIND_INDEX:
            head = part[:INDEX_HEAD]
            if self.index_of(wanted, head) == part:
                return wanted, head + bytes(len(part) - len(head))
            return self.apply(replace(wanted, kind=UNWIND_TABLE))
        if wanted.kind == HASHES:
            return wanted, self.without_hashes(wanted, part)
        changed = self.run(wanted, part, APPLY)
        if self.run(wanted, changed, UNDO) != part:
            return None
        self.frames = wanted if wanted.kind == UNWIND_FRAMES else self.frames
        # The first table is the loader's; one for debuggers may follow.
        self.symbols = self.symbols or (wanted if wanted.kind == SYMBOLS else None)
        return wanted, changed

    def part_of(self, wanted: Filter) -> bytes:
        return self.content[wanted.offset : wanted.offset + wanted.length]

    def run(self, wanted: Filter, part: bytes, direction: int) -> bytes:
        changed = ctypes.create_string_buffer(part, len(part))
        spare = ctypes.create_string_buffer(len(part))
        length, address = ctypes.c_size_t(len(part)), ctypes.c_uint32(wanted.extra)
        self.library.filter(wanted.kind, changed, length, address, self.end, spare, direction)
        return changed.raw

    def without_hashes(self, table: Filter, part: bytes) -> bytes:
        """A hash table without the hashes that can be computed from symbol names; the same filter restores them."""
        symbols = self.symbols or Filter(SYMBOLS, 0, 0, 0)
        names = self.content[table.extra :]
        changed = ctypes.create_string_buffer(part, len(part))
        spare = ctypes.create_string_buffer(len(part))
        sizes = [ctypes.c_size_t(each) for each in (len(part), symbols.length, len(names))]
        self.library.filter_hashes(changed, sizes[0], self.part_of(symbols), sizes[1], names, sizes[2], spare)
        return changed.raw

    def index_of(self, index: Filter, head: bytes) -> bytes:
        """An index of frames, computed from the frames."""
        frames = self.frames or Filter(UNWIND_FRAMES, 0, 0, 0)
        made = ctypes.create_string_buffer(head, index.length)
        sizes = ctypes.c_size_t(index.length), ctypes.c_size_t(frames.length)
        addresses = ctypes.c_uint32(index.extra), ctypes.c_uint32(frames.extra)
        self.library.make_index(made, sizes[0], addresses[0], self.part_of(frames), sizes[1], addresses[1])
        return made.raw


def filtered(content: bytes, folder: Path) -> tuple[bytes, list[Filter]]:
    """Apply all filters that can be undone to an ELF file.

    Args:
        content: The file.
        folder: The folder with the library of filters for this machine.

    Returns:
        The changed file, and the filters that were applied.
    """
    filters, applied, changed = Filters(folder, content), list[Filter](), bytearray(content)
    for made in filter(None, map(filters.apply, apart(found_filters(content)))):
        one, part = made
        changed[one.offset : one.offset + one.length] = part
        applied.append(one)
    return bytes(changed), applied


def found_filters(content: bytes) -> list[Filter]:
    """The filters that suit a file; none if it is not a valid ELF file."""
    try:
        return list(find_filters(content))[:MOST]
    except (ELFError, ValueError, LookupError, TypeError, AttributeError):
        return []


def apart(filters: Iterable[Filter]) -> Iterator[Filter]:
    """The filters that do not overlap an earlier one."""
    taken: list[Filter] = []
    for each in filters:
        if not any(overlap(each, other) for other in taken):
            taken.append(each)
            yield each


def overlap(one: Filter, other: Filter) -> bool:
    return one.offset < other.offset + other.length and other.offset < one.offset + one.length


def find_filters(content: bytes) -> Iterator[Filter]:
    """The filters that suit the sections of an ELF file."""
    elf = ELFFile(io.BytesIO(content))
    # Sections that are computed from others come last.
    for section in sorted(elf.iter_sections(), key=lambda each: each.name in FOLLOWING):
        kind = kind_of(section, elf)
        is_inside = section["sh_offset"] + section["sh_size"] <= len(content)
        if kind and section["sh_size"] >= SMALLEST and is_inside:
            yield Filter(kind, section["sh_offset"], section["sh_size"], extra_of(kind, section, elf))


def extra_of(kind: int, section: Section, elf: ELFFile) -> int:
    if kind == HASHES:
        # The names of the hashed symbols.
        names = elf.get_section(elf.get_section(section["sh_link"])["sh_link"])
        return int(names["sh_offset"])
    return int(section["sh_addr"] & 0xFFFFFFFF)


def kind_of(section: Section, elf: ELFFile) -> int | None:
    """The filter for a section; None if there is none."""
    if section["sh_type"] == "SHT_PROGBITS" and section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR:
        return CODE.get(elf["e_machine"])
    if elf.elfclass != 64 or section["sh_type"] == "SHT_NOBITS":
        return None
    return BY_NAME.get(section.name) or TABLES.get(section["sh_type"])
