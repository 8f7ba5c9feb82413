from __future__ import annotations

import marshal
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from pystatic_tasks.fronts.rebuild.members import COOKIE_MAGIC, first_differing_member


def bytecode(**modules: bytes) -> bytes:
    table, content = [], b""
    for name, code in modules.items():
        table.append((name, (0, 12 + len(content), len(code))))
        content += code
    return struct.pack("!4s4sI", b"PYZ\0", b"\0" * 4, 12 + len(content)) + content + marshal.dumps(table)


def program(members: Mapping[str, bytes], head: bytes = b"\x7fELF") -> bytes:
    content, table = b"", b""
    for name, member in members.items():
        padded = name.encode() + b"\0" * 3
        table += struct.pack("!IIIIBc", 18 + len(padded), len(content), len(member), len(member), 0, b"b") + padded
        content += member
    length = len(content) + len(table) + 88
    cookie = struct.pack("!8sIIII64s", COOKIE_MAGIC, length, len(content), len(table), 313, b"libpython3.13.so")
    return head + content + table + cookie


def differing(folder: Path, *programs: bytes) -> str:
    paths = [folder / "first", folder / "second"]
    for path, content in zip(paths, programs, strict=True):
        path.write_bytes(content)
    return first_differing_member(*paths)


def test_the_member_that_differs_first_is_named(tmp_path: Path) -> None:
    ours = program({"libz.so.1": b"z", "shop/page.html": b"a", "z": b"1"})
    theirs = program({"libz.so.1": b"z", "shop/page.html": b"bb", "z": b"2"}, head=b"\x7fELF longer")
    assert differing(tmp_path, ours, theirs) == "shop/page.html"


def test_a_member_that_only_one_has_differs(tmp_path: Path) -> None:
    assert differing(tmp_path, program({"a": b"1"}), program({"a": b"1", "b": b""})) == "b"


def test_a_module_is_named_as_a_file(tmp_path: Path) -> None:
    ours, theirs = ({"PYZ.pyz": bytecode(shop=b"1", **{"shop.web": code})} for code in (b"2", b"3"))
    assert differing(tmp_path, program(ours), program(theirs)) == "shop/web.pyc"


def test_bytecode_in_another_order_is_named_as_a_whole(tmp_path: Path) -> None:
    ours, theirs = ({"PYZ.pyz": bytecode(**names)} for names in ({"a": b"1", "b": b"2"}, {"b": b"2", "a": b"1"}))
    assert differing(tmp_path, program(ours), program(theirs)) == "PYZ.pyz"


def test_the_same_members_do_not_differ(tmp_path: Path) -> None:
    assert differing(tmp_path, program({"a": b"1"}), program({"a": b"1"}, head=b"another")) == ""


@pytest.mark.parametrize("content", [b"", b"\x7fELF", COOKIE_MAGIC, COOKIE_MAGIC + b"\xff" * 80])
def test_what_is_no_such_program_has_no_members(tmp_path: Path, content: bytes) -> None:
    assert differing(tmp_path, content, program({"a": b"1"})) == ""
