"""ELF files of a slim tree, without the parts that nothing in it can come to need.

What is left out becomes zeros where it stood: no address changes, and zeros take no room once they are compressed.
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

# Whoever needs one of these may throw what somebody else catches; so may code with a table of what it catches.
THROWING = (UNWINDER, "libstdc++.so", "libc++.so", "libc++abi.so", "libunwind.so")
CATCHING = ".gcc_except_table"
UNWIND_TABLES = (".eh_frame", ".eh_frame_hdr")
PT_NULL = 0
# By glibc's loader the first is read only where the second is not there.
OLD_HASHES, HASHES = ".hash", ".gnu.hash"
NAMES_MODULE = "unicodedata."


def make_lean(root: Path, *, names: bool) -> None:
    """Leave out of the ELF files of a tree what it can do without.

    Args:
        root: The folder of the tree.
        names: Whether the names of characters go.
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
    """Whether a file is of those that end threads by unwinding what stands on their stacks."""
    return path.name == UNWINDER or path.name == C_LIBRARY or path.name.startswith("ld-linux")


def is_unwound(contents: Mapping[Path, bytes]) -> bool:
    """Whether exceptions may pass through the files of a program.

    The C library ends a thread so too. Where it finds no table it does not go on, but jumps to where the thread began,
    as it is made to do for code without any.
    """
    return any(may_throw(content) for path, content in contents.items() if not unwinds(path))


def may_throw(content: bytes) -> bool:
    """Whether code throws or catches something, or its file does not tell."""
    elf = ELFFile(io.BytesIO(content))
    dynamic = elf.get_section_by_name(".dynamic")
    if not isinstance(dynamic, DynamicSection) or elf.get_section_by_name(CATCHING):
        return True
    needed = [str(tag.needed) for tag in dynamic.iter_tags("DT_NEEDED")]  # type: ignore[attr-defined]
    return any(name.startswith(THROWING) for name in needed)


def without_unwind_tables(content: bytes) -> bytes:
    """The file as if it had none."""
    elf = ELFFile(io.BytesIO(content))
    changed = bytearray(blanked(content, sections(elf, UNWIND_TABLES)))
    for number, segment in enumerate(elf.iter_segments()):
        if segment["p_type"] == "PT_GNU_EH_FRAME":
            place = elf["e_phoff"] + number * elf["e_phentsize"]
            changed[place : place + 4] = struct.pack("<I" if elf.little_endian else ">I", PT_NULL)
    return bytes(changed)


def without_old_hashes(content: bytes) -> bytes:
    """The file with one table of hashes only, where it has two."""
    elf = ELFFile(io.BytesIO(content))
    return blanked(content, sections(elf, (OLD_HASHES,))) if elf.get_section_by_name(HASHES) else content


def sections(elf: ELFFile, names: Iterable[str]) -> list[Range]:
    """Begin and end of those sections, in bytes."""
    found = filter(None, map(elf.get_section_by_name, names))
    return [(each["sh_offset"], each["sh_offset"] + each["sh_size"]) for each in found]
