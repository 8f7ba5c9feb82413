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
    """The filters, for a file of that many bytes."""

    def __init__(self, folder: Path, size: int) -> None:
        self.library = ctypes.CDLL(str(folder / f"filters-{platform.machine()}.so"))
        self.end = ctypes.c_uint32(size + BEYOND_END)

    def run(self, each: Filter, content: bytes, direction: int) -> bytes:
        """A part of a file, changed or changed back."""
        changed = ctypes.create_string_buffer(content, len(content))
        spare = ctypes.create_string_buffer(len(content))
        length, address = ctypes.c_size_t(len(content)), ctypes.c_uint32(each.address)
        self.library.filter(each.kind, changed, length, address, self.end, spare, direction)
        return changed.raw

    def index_of(self, index: Filter, head: bytes, frames: Filter, content: bytes) -> bytes:
        """An index of frames, made anew."""
        made = ctypes.create_string_buffer(head, index.length)
        sizes = ctypes.c_size_t(index.length), ctypes.c_size_t(frames.length)
        addresses = ctypes.c_uint32(index.address), ctypes.c_uint32(frames.address)
        self.library.make_index(made, sizes[0], addresses[0], content, sizes[1], addresses[1])
        return made.raw


def filtered(content: bytes, folder: Path) -> tuple[bytes, list[Filter]]:
    """An ELF file with all filters applied that can be undone, and which these are.

    Args:
        content: The file.
        folder: Has the library of filters for this machine.
    """
    filters, applied, changed = Filters(folder, len(content)), list[Filter](), bytearray(content)
    frames: Filter | None = None
    for each in find_filters(content):
        part = content[each.offset : each.offset + each.length]
        if each.kind == UNWIND_FRAMES:
            frames = each
        if each.kind == UNWIND_INDEX:
            new = part[:INDEX_HEAD] + bytes(max(0, each.length - INDEX_HEAD))
            made = frames and filters.index_of(each, part[:INDEX_HEAD], frames, part_of(content, frames))
            if made != part:
                each = replace(each, kind=UNWIND_TABLE)
        if each.kind != UNWIND_INDEX:
            new = filters.run(each, part, APPLY)
            if filters.run(each, new, UNDO) != part:
                continue
        changed[each.offset : each.offset + each.length] = new
        applied.append(each)
    return bytes(changed), applied


def part_of(content: bytes, each: Filter) -> bytes:
    return content[each.offset : each.offset + each.length]


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
