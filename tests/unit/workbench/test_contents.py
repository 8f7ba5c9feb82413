from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from pystatic_tasks.machine import WORKBENCH

writers = pytest.importorskip("PyInstaller.archive.writers", reason="PyInstaller is in build environments only")


@pytest.fixture
def contents() -> ModuleType:
    spec = importlib.util.spec_from_file_location("contents", WORKBENCH / "contents.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_parts_are_listed_from_the_largest(contents: ModuleType, tmp_path: Path) -> None:
    library, data = tmp_path / "library", tmp_path / "data"
    library.write_bytes(b"l" * 90_000)
    data.write_bytes(b"d" * 80_000)
    modules = {"shop": "x = 1", "shop.web": f"y = {'y' * 500!r}", "other": f"z = {'z' * 70_000!r}"}
    code = {name: compile(text, name, "exec") for name, text in modules.items()}
    writers.ZlibArchiveWriter(str(tmp_path / "PYZ.pyz"), [(name, "-", "PYMODULE") for name in modules], code)
    toc = [
        ("größe.txt", str(data), True, "x"),
        ("libc.so.6", str(library), True, "b"),
        ("PYZ.pyz", str(tmp_path / "PYZ.pyz"), False, "z"),
        ("optimize", "", False, "o"),
    ]
    writers.CArchiveWriter(str(tmp_path / "program"), toc, "libpython.so")
    parts = contents.list_contents(tmp_path / "program")
    assert parts[:2] == [
        {"name": "libc.so.6", "kind": "binary", "size_bytes": 90_000},
        {"name": "größe.txt", "kind": "data", "size_bytes": 80_000},
    ]
    assert [(part["name"], part["kind"]) for part in parts[2:]] == [("other", "bytecode"), ("shop", "bytecode")]
