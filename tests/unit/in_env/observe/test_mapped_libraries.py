from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import tool_or_skip

pytest.importorskip("elftools", reason="pyelftools is not installed")

from pystatic_tasks.in_env.elf import shared_libraries
from pystatic_tasks.in_env.observe.mapped_libraries import name_of, opened_by_name

MODEL = "libdl.so.2"


def library(folder: Path, file: str, name: str, *needed: str) -> Path:
    """A library that bears a name and asks for others."""
    model = shared_libraries.find_library(MODEL, shared_libraries.machine_of(Path(sys.executable)))
    assert model
    path = folder / file
    shutil.copy(model, path)
    asked = [word for each in needed for word in ("--add-needed", each)]
    subprocess.run([tool_or_skip("patchelf"), "--set-soname", name, *asked, path], check=True, timeout=20)
    return path


def opened(*mapped: Path, modules: tuple[Path, ...] = ()) -> set[Path]:
    return opened_by_name(map(str, mapped), map(str, modules))


def test_a_library_that_nobody_asks_for_was_opened_by_name(tmp_path: Path) -> None:
    path = library(tmp_path, "libmagic.so.1.0.0", "libmagic.so.1")
    assert opened(path, tmp_path / "gone.so") == {path}
    (tmp_path / "libmagic.so.1").symlink_to(path.name)
    assert opened(path) == {tmp_path / "libmagic.so.1"}


def test_what_a_module_or_another_library_asks_for_comes_with_it(tmp_path: Path) -> None:
    inner = library(tmp_path, "libinner.so.1", "libinner.so.1")
    outer = library(tmp_path, "libouter.so.1", "libouter.so.1", "libinner.so.1")
    assert opened(inner, outer) == {outer}
    module = library(tmp_path, "module.so", "module.so", "libouter.so.1")
    assert opened(inner, outer, module, modules=(module,)) == set()


def test_what_python_itself_maps_is_in_every_program() -> None:
    code = "import _ctypes; print(open('/proc/self/maps').read())"
    maps = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20).stdout
    mapped = {Path(f"/{line.partition('/')[2]}") for line in maps.splitlines() if ".so" in line}
    assert {path for path in opened(*mapped) if "ctypes" not in path.name} == set()


def test_a_file_that_is_no_library_is_called_as_its_file(tmp_path: Path) -> None:
    (tmp_path / "odd.so").write_text("größe", encoding="utf-8")
    assert name_of(tmp_path / "odd.so") == "odd.so"
