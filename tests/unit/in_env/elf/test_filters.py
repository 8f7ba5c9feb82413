from __future__ import annotations

import platform
import struct
import sys
import sysconfig
from pathlib import Path

import pytest
from support import REPOSITORY

pytest.importorskip("elftools", reason="pyelftools is not installed")

from pystatic_tasks.in_env.elf import filters as elf_filters
from pystatic_tasks.in_env.elf.filters import Filter, Filters, filtered, find_filters

LAUNCHER = REPOSITORY / "pystatic_tasks" / "in_image" / "launcher"
CODE = elf_filters.CODE[{"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}[platform.machine()]]
EVERY_KIND = range(1, 8)


@pytest.fixture(scope="module")
def interpreter() -> bytes:
    """The interpreter, or its library where that is most of it."""
    library = Path(str(sysconfig.get_config_var("LIBDIR")), str(sysconfig.get_config_var("LDLIBRARY")))
    return (library if library.suffix != ".a" and library.exists() else Path(sys.executable).resolve()).read_bytes()


def undone(content: bytes, changed: bytes, applied: list[Filter]) -> bytes:
    """What the launcher makes of it."""
    filters, found = Filters(LAUNCHER, content), bytearray(changed)
    for each in applied:
        part = bytes(found[each.offset : each.offset + each.length])
        if each.kind == elf_filters.UNWIND_INDEX:
            part = filters.index_of(each, part[: elf_filters.INDEX_HEAD])
        elif each.kind == elf_filters.HASHES:
            part = filters.without_hashes(each, part)
        else:
            filters.symbols = filters.symbols or (each if each.kind == elf_filters.SYMBOLS else None)
            filters.frames = each if each.kind == elf_filters.UNWIND_FRAMES else filters.frames
            part = filters.run(each, part, elf_filters.UNDO)
        found[each.offset : each.offset + each.length] = part
    return bytes(found)


def test_what_is_changed_can_be_changed_back(interpreter: bytes) -> None:
    changed, applied = filtered(interpreter, LAUNCHER)
    assert changed != interpreter
    assert {each.kind for each in applied} >= {CODE, elf_filters.RELOCATIONS, elf_filters.UNWIND_FRAMES}
    assert undone(interpreter, changed, applied) == interpreter


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_that_holds_for_the_files_of_every_machine(machine: str) -> None:
    content = (LAUNCHER / f"launcher-{machine}").read_bytes()
    changed, applied = filtered(content, LAUNCHER)
    assert elf_filters.CODE[f"EM_{machine.upper()}"] in {each.kind for each in applied}
    assert undone(content, changed, applied) == content


def test_what_decides_is_no_part_of_an_address() -> None:
    # The third byte of 0f e8 would be the first of the address that e8 calls.
    code = bytes.fromhex("0fe856341205").ljust(16, b"\x90")
    one = Filter(elf_filters.X86_64_CODE, 0, len(code), 0)
    filters = Filters(LAUNCHER, code)
    assert filters.run(one, filters.run(one, code, elf_filters.APPLY), elf_filters.UNDO) == code


def test_an_index_that_follows_from_its_frames_is_left_out(interpreter: bytes) -> None:
    changed, applied = filtered(interpreter, LAUNCHER)
    [index] = [each for each in applied if each.kind == elf_filters.UNWIND_INDEX]
    assert not any(changed[index.offset + elf_filters.INDEX_HEAD : index.offset + index.length])


def test_hashes_that_follow_from_the_names_are_left_out(interpreter: bytes) -> None:
    changed, applied = filtered(interpreter, LAUNCHER)
    [hashes] = [each for each in applied if each.kind == elf_filters.HASHES]
    assert not any(changed[hashes.offset + 16 : hashes.offset + hashes.length])


def test_any_other_index_is_a_table(interpreter: bytes) -> None:
    [index] = [each for each in find_filters(interpreter) if each.kind == elf_filters.UNWIND_INDEX]
    content = bytearray(interpreter)
    content[index.offset + 40] ^= 1
    changed, applied = filtered(bytes(content), LAUNCHER)
    assert elf_filters.UNWIND_TABLE in {each.kind for each in applied}
    assert undone(bytes(content), changed, applied) == content


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 64, 4099])
def test_no_bytes_are_lost_whatever_they_are(kind: int, length: int) -> None:
    content = bytes((each * 7919 >> 3 ^ each << 1) & 0xFF for each in range(length)) or b"x"
    one = Filter(kind, 0, len(content), 0xFFFF_F000)
    filters = Filters(LAUNCHER, content)
    made = filters.apply(one)
    assert made is None or filters.run(one, made[1], elf_filters.UNDO) == content


@pytest.mark.parametrize("code", [b"\xe8", b"\xe9", b"\x0f\x84", b"\x48\x8b\x05", b"\x48\x8d\x0d", b"\x0f\xb6\x05"])
def test_calls_of_one_function_look_alike(code: bytes) -> None:
    target, parts = 0x8000, []
    for place in (0, 64):
        end = place + len(code) + 4
        parts.append(code + struct.pack("<i", target - end) + b"\x90" * (64 - len(code) - 4))
    content = b"".join(parts)
    changed = Filters(LAUNCHER, content).run(Filter(elf_filters.X86_64_CODE, 0, len(content), 0), content, 1)
    assert changed[: len(code) + 4] == changed[64 : 64 + len(code) + 4] == code + struct.pack(">i", target)


def test_branches_of_aarch64_to_one_function_look_alike() -> None:
    target = 0x8000
    branches = [0x94000000 | (target - place) // 4 & 0x03FFFFFF for place in (0, 4, 8)]
    pages = [0x90000000 | (target // 4096 & 3) << 29 | (target // 4096 >> 2) << 5 for _ in range(3)]
    content = struct.pack("<6I", *branches, *pages)
    filters = Filters(LAUNCHER, content)
    one = Filter(elf_filters.AARCH64_CODE, 0, len(content), 0)
    changed = filters.run(one, content, 1)
    assert len(set(struct.unpack("<3I", changed[:12]))) == 1
    assert filters.run(one, changed, 0) == content


@pytest.mark.parametrize("content", [b"\x7fELF", b"\x7fELF and more", b"\x7fELF\x02\x01\x01" + bytes(9) + b"\xff" * 60])
def test_what_only_begins_as_an_elf_file_stays_as_it_is(content: bytes) -> None:
    assert filtered(content, LAUNCHER) == (content, [])


def test_a_part_is_changed_once() -> None:
    first, second, third = (Filter(elf_filters.VERSIONS, offset, 100, 0) for offset in (0, 50, 100))
    assert list(elf_filters.apart([first, second, third])) == [first, third]
