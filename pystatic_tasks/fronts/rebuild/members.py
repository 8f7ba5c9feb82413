"""Reads the contents of a one-file program without PyInstaller, to see where two of them differ.

The formats are those of PyInstaller/archive/readers.py: an archive at the end of the executable,
which contains an archive of bytecode (PYZ) with a table written by `marshal`.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Mapping
from pathlib import Path

COOKIE_MAGIC = b"MEI\014\013\012\013\016"
BYTECODE_MAGIC = b"PYZ\0"
# Magic, length of the archive, offset and length of its table, Python's version, Python's library.
COOKIE = struct.Struct("!8sIIII64s")
# Length of the entry, offset, length, uncompressed length, whether compressed, kind.
ENTRY = struct.Struct("!IIIIBc")
# Magic, Python's own magic, offset of the table.
BYTECODE_TABLE = struct.Struct("!4s4sI")


def first_differing_member(first: Path, second: Path) -> str:
    """The first member that differs, such as "shop/web.pyc" or "libz.so.1"; "" if none is found."""
    contents = [path.read_bytes() for path in (first, second)]
    try:
        ours, theirs = map(members, contents)
        name = first_differing_name(ours, theirs)
        if name.endswith(".pyz") and name in ours and name in theirs:
            module = first_differing_name(*(modules(each[name]) for each in (ours, theirs)))
            return f"{module.replace('.', '/')}.pyc" if module else name
    except (ValueError, TypeError, LookupError, EOFError, struct.error):
        return ""
    return name


def first_differing_name(first: Mapping[str, object], second: Mapping[str, object]) -> str:
    """The first name whose values differ or that only one of the two has; "" if there is none."""
    return next((name for name in sorted({*first, *second}) if first.get(name) != second.get(name)), "")


def members(program: bytes) -> dict[str, bytes]:
    """The members of the archive at the end of an executable, by name, as stored."""
    at = program.rindex(COOKIE_MAGIC)
    _, length, table, table_length, _, _ = COOKIE.unpack_from(program, at)
    start = at + COOKIE.size - length
    found = {}
    place, end = start + table, start + table + table_length
    while place < end:
        entry_length, offset, stored, _, _, _ = ENTRY.unpack_from(program, place)
        name = program[place + ENTRY.size : place + entry_length].rstrip(b"\0").decode("utf-8", "replace")
        found[name] = program[start + offset : start + offset + stored]
        place += entry_length or len(program)
    return found


def modules(archive: bytes) -> dict[str, bytes]:
    """The modules in an archive of bytecode, by name, as stored."""
    magic, _, table = BYTECODE_TABLE.unpack_from(archive)
    if magic != BYTECODE_MAGIC:
        raise ValueError("is not an archive of bytecode")
    members = marshal.loads(archive[table:])  # noqa: S302 - of an image that was just built here
    return {name: archive[offset : offset + length] for name, (_, offset, length) in members}
