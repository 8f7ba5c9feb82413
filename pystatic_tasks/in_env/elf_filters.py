"""Machine code and tables of ELF files, changed so that they become smaller once they are compressed.

The changes are those of in_image/launcher/source/filters.c, by a library made of the same source for every machine
that images are built on; the launcher undoes them.
"""

from __future__ import annotations

import ctypes
import io
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section

# As filters.h numbers them.
X86_64_CODE, AARCH64_CODE, RELOCATIONS, SYMBOLS, VERSIONS, UNWIND_TABLE = range(1, 7)
CODE = {"EM_X86_64": X86_64_CODE, "EM_AARCH64": AARCH64_CODE}
TABLES = {"SHT_RELA": RELOCATIONS, "SHT_DYNSYM": SYMBOLS, "SHT_SYMTAB": SYMBOLS, "SHT_GNU_versym": VERSIONS}
APPLY = 1
# As elf_files.c has it: how far beyond the end of a file the addresses in its code may lead, in bytes.
BEYOND_END = 1 << 20
# Less is not worth being described.
SMALLEST = 64


@dataclass(frozen=True)
class Filter:
    """A change of a part of a file, in bytes; `address` is where code is loaded, its lower 32 bits."""

    kind: int
    offset: int
    length: int
    address: int


def load_library(folder: Path) -> ctypes.CDLL:
    """The filters for this machine, from the folder with those of all machines."""
    return ctypes.CDLL(str(folder / f"filters-{platform.machine()}.so"))


def filtered(content: bytes, library: ctypes.CDLL) -> tuple[bytes, list[Filter]]:
    """An ELF file with its filters applied, and which these are."""
    filters = list(find_filters(content))
    changed = ctypes.create_string_buffer(content, len(content))
    spare = ctypes.create_string_buffer(max((each.length for each in filters), default=1))
    end = ctypes.c_uint32(len(content) + BEYOND_END)
    for each in filters:
        start = ctypes.c_void_p(ctypes.addressof(changed) + each.offset)
        address = ctypes.c_uint32(each.address)
        library.filter(each.kind, start, ctypes.c_size_t(each.length), address, end, spare, APPLY)
    return changed.raw, filters


def find_filters(content: bytes) -> Iterator[Filter]:
    """What can be changed in an ELF file, by its sections."""
    elf = ELFFile(io.BytesIO(content))
    for section in elf.iter_sections():
        kind = kind_of(section, elf)
        is_inside = section["sh_offset"] + section["sh_size"] <= len(content)
        if kind and section["sh_size"] >= SMALLEST and is_inside:
            yield Filter(kind, section["sh_offset"], section["sh_size"], section["sh_addr"] & 0xFFFFFFFF)


def kind_of(section: Section, elf: ELFFile) -> int | None:
    """The filter for a section; None if there is none."""
    if section["sh_type"] == "SHT_PROGBITS" and section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR:
        return CODE.get(elf["e_machine"])
    if section.name == ".eh_frame_hdr":
        return UNWIND_TABLE
    return TABLES.get(section["sh_type"]) if elf.elfclass == 64 else None
