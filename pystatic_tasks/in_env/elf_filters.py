"""Machine code and tables of ELF files, changed so that they become smaller once they are compressed.

The changes are those of in_image/launcher/source/filters.c, by a library made of the same source for every machine
that images are built on; the launcher undoes them.
"""

from __future__ import annotations

import ctypes
import io
import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section

# As filters.h numbers them.
X86_64_CODE, AARCH64_CODE, RELOCATIONS, SYMBOLS, VERSIONS, UNWIND_TABLE, UNWIND_FRAMES, UNWIND_INDEX = range(1, 9)
CODE = {"EM_X86_64": X86_64_CODE, "EM_AARCH64": AARCH64_CODE}
TABLES = {"SHT_RELA": RELOCATIONS, "SHT_DYNSYM": SYMBOLS, "SHT_SYMTAB": SYMBOLS, "SHT_GNU_versym": VERSIONS}
UNDO, APPLY = range(2)
# Of an index of frames, in bytes: all after it can be made anew.
INDEX_HEAD = 12
# As elf_files.c has it: how far beyond the end of a file the addresses in its code may lead, in bytes.
BEYOND_END = 1 << 20
UNWIND = {".eh_frame": UNWIND_FRAMES, ".eh_frame_hdr": UNWIND_INDEX}
# Less is not worth being described.
SMALLEST = 64


@dataclass(frozen=True)
class Filter:
    """A change of a part of a file, in bytes; `address` is where code is loaded, its lower 32 bits."""

    kind: int
    offset: int
    length: int
    address: int


class Filters:
    """The filters of this machine, for a file."""

    def __init__(self, folder: Path, content: bytes) -> None:
        self.library = ctypes.CDLL(str(folder / f"filters-{platform.machine()}.so"))
        self.content = content
        self.end = ctypes.c_uint32(len(content) + BEYOND_END)
        self.frames: Filter | None = None

    def apply(self, wanted: Filter) -> tuple[Filter, bytes] | None:
        """The filter that can be undone, and what it makes of its part of the file; None if there is none."""
        part = self.part_of(wanted)
        if wanted.kind == UNWIND_INDEX:
            head = part[:INDEX_HEAD]
            if self.index_of(wanted, head) == part:
                return wanted, head + bytes(len(part) - len(head))
            return self.apply(replace(wanted, kind=UNWIND_TABLE))
        changed = self.run(wanted, part, APPLY)
        if self.run(wanted, changed, UNDO) != part:
            return None
        if wanted.kind == UNWIND_FRAMES:
            self.frames = wanted
        return wanted, changed

    def part_of(self, wanted: Filter) -> bytes:
        return self.content[wanted.offset : wanted.offset + wanted.length]

    def run(self, wanted: Filter, part: bytes, direction: int) -> bytes:
        changed = ctypes.create_string_buffer(part, len(part))
        spare = ctypes.create_string_buffer(len(part))
        length, address = ctypes.c_size_t(len(part)), ctypes.c_uint32(wanted.address)
        self.library.filter(wanted.kind, changed, length, address, self.end, spare, direction)
        return changed.raw

    def index_of(self, index: Filter, head: bytes) -> bytes:
        """An index of frames, made anew."""
        frames = self.frames or Filter(UNWIND_FRAMES, 0, 0, 0)
        made = ctypes.create_string_buffer(head, index.length)
        sizes = ctypes.c_size_t(index.length), ctypes.c_size_t(frames.length)
        addresses = ctypes.c_uint32(index.address), ctypes.c_uint32(frames.address)
        self.library.make_index(made, sizes[0], addresses[0], self.part_of(frames), sizes[1], addresses[1])
        return made.raw


def filtered(content: bytes, folder: Path) -> tuple[bytes, list[Filter]]:
    """An ELF file with all filters applied that can be undone, and which these are.

    Args:
        content: The file.
        folder: Has the library of filters for this machine.
    """
    filters, applied, changed = Filters(folder, content), list[Filter](), bytearray(content)
    for made in filter(None, map(filters.apply, find_filters(content))):
        one, part = made
        changed[one.offset : one.offset + one.length] = part
        applied.append(one)
    return bytes(changed), applied


def find_filters(content: bytes) -> Iterator[Filter]:
    """What can be changed in an ELF file, by its sections."""
    elf = ELFFile(io.BytesIO(content))
    # The index comes last, since it is made of the frames.
    for section in sorted(elf.iter_sections(), key=lambda each: each.name == ".eh_frame_hdr"):
        kind = kind_of(section, elf)
        is_inside = section["sh_offset"] + section["sh_size"] <= len(content)
        if kind and section["sh_size"] >= SMALLEST and is_inside:
            yield Filter(kind, section["sh_offset"], section["sh_size"], section["sh_addr"] & 0xFFFFFFFF)


def kind_of(section: Section, elf: ELFFile) -> int | None:
    """The filter for a section; None if there is none."""
    if section["sh_type"] == "SHT_PROGBITS" and section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR:
        return CODE.get(elf["e_machine"])
    if section.name in UNWIND:
        return UNWIND[section.name]
    return TABLES.get(section["sh_type"]) if elf.elfclass == 64 else None
