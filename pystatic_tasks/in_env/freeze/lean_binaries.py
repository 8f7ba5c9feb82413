"""Blanks the parts of a slim tree's ELF files that nothing in the tree can need.

These parts are overwritten with zeros: no address changes, and compressed zeros take almost no space.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from ..elf.binaries import is_elf
from ..elf.shared_libraries import C_LIBRARY, UNWINDER
from .character_names import Range, blanked, without_names
from .tree import INTERPRETER

# A file that links to one of these may throw exceptions, and a file with this section may catch them.
THROWING = (UNWINDER, "libstdc++.so", "libc++.so", "libc++abi.so", "libunwind.so")
CATCHING = ".gcc_except_table"
UNWIND_TABLES = (".eh_frame", ".eh_frame_hdr")
PT_NULL = 0
# glibc's loader reads the first only if the second is missing.
OLD_HASHES, HASHES = ".hash", ".gnu.hash"
NAMES_MODULE = "unicodedata."


def make_lean(root: Path, *, names: bool) -> None:
    """Blank the parts of a tree's ELF files that it can do without.

    Args:
        root: The folder of the tree.
        names: Whether to blank the names of characters.
    """
    contents = dict(elf_files(root))
    unwound = is_unwound(contents)
    for path, content in contents.items():
        lean = without_old_hashes(content)
        if names and (path == root / INTERPRETER or path.name.startswith(NAMES_MODULE)):
            lean = without_names(lean)
        if not unwound and not unwinds(path):
            lean = without_unwind_tables(lean)
        if lean != content:
            path.write_bytes(lean)


def elf_files(root: Path) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and is_elf(path):
            yield path, path.read_bytes()


def unwinds(path: Path) -> bool:
    """Whether a file is one of glibc's, which end threads by unwinding their stacks."""
    return path.name == UNWINDER or path.name == C_LIBRARY or path.name.startswith("ld-linux")


def is_unwound(contents: Mapping[Path, bytes]) -> bool:
    """Whether exceptions may pass through the files of a program.

    The C library also unwinds to end a thread, but it does not need tables: at code without one it jumps to the start
    of the thread.
    """
    return any(may_throw(content) for path, content in contents.items() if not unwinds(path))


def may_throw(content: bytes) -> bool:
    """Whether code may throw or catch exceptions; True if the file does not show it."""
    elf = ELFFile(io.BytesIO(content))
    dynamic = elf.get_section_by_name(".dynamic")
    if not isinstance(dynamic, DynamicSection) or elf.get_section_by_name(CATCHING):
        return True
    needed = [str(tag.needed) for tag in dynamic.iter_tags("DT_NEEDED")]  # type: ignore[attr-defined]
    return any(name.startswith(THROWING) for name in needed)


def without_unwind_tables(content: bytes) -> bytes:
    """The file with blank unwind tables, and without the segment that points to them."""
    elf = ELFFile(io.BytesIO(content))
    changed = bytearray(blanked(content, sections(elf, UNWIND_TABLES)))
    for number, segment in enumerate(elf.iter_segments()):
        if segment["p_type"] == "PT_GNU_EH_FRAME":
            place = elf["e_phoff"] + number * elf["e_phentsize"]
            changed[place : place + 4] = struct.pack("<I" if elf.little_endian else ">I", PT_NULL)
    return bytes(changed)


def without_old_hashes(content: bytes) -> bytes:
    """The file with the old hash table blank, if it also has a new one."""
    elf = ELFFile(io.BytesIO(content))
    return blanked(content, sections(elf, (OLD_HASHES,))) if elf.get_section_by_name(HASHES) else content


def sections(elf: ELFFile, names: Iterable[str]) -> list[Range]:
    """Begin and end of those sections that exist, in bytes."""
    found = filter(None, map(elf.get_section_by_name, names))
    return [(each["sh_offset"], each["sh_offset"] + each["sh_size"]) for each in found]
