from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("elftools", reason="pyelftools is not installed")

from elftools.elf.elffile import ELFFile

from pystatic_tasks.in_env.elf.shared_libraries import C_LIBRARY, UNWINDER, find_library, machine_of
from pystatic_tasks.in_env.freeze.lean_binaries import is_unwound, make_lean, without_old_hashes, without_unwind_tables
from pystatic_tasks.in_env.probe import find_libpython

MACHINE = machine_of(Path(sys.executable).resolve())
# A thread ends while code without tables is on its stack, by pthread_exit, and what was started with it goes on.
ENDS_A_THREAD = """
import _thread, ctypes, time
program = ctypes.CDLL(None)
ended = []
def leave():
    ended.append(1)
    program.pthread_exit(None)
_thread.start_new_thread(leave, ())
while not ended:
    time.sleep(0.01)
time.sleep(0.1)
print("goes on", "lean" in open("/proc/self/maps").read())
"""


def library(name: str) -> bytes:
    found = find_library(name, MACHINE)
    if found is None:
        pytest.skip(f"this machine has no {name}")
    return found.read_bytes()


def section(content: bytes, name: str) -> bytes:
    found = ELFFile(io.BytesIO(content)).get_section_by_name(name)
    return bytes(found.data()) if found else b""


def test_a_library_without_tables_has_none_and_is_otherwise_as_it_was() -> None:
    content = library("libm.so.6")
    lean = without_unwind_tables(content)
    assert len(lean) == len(content)
    assert any(section(content, ".eh_frame"))
    assert not any(section(lean, ".eh_frame"))
    assert not any(section(lean, ".eh_frame_hdr"))
    assert [section(lean, name) for name in (".text", ".rodata", ".dynsym")] == [
        section(content, name) for name in (".text", ".rodata", ".dynsym")
    ]
    kinds = [each["p_type"] for each in ELFFile(io.BytesIO(lean)).iter_segments()]
    assert "PT_GNU_EH_FRAME" not in kinds
    assert "PT_NULL" in kinds


def test_of_two_tables_of_hashes_one_goes() -> None:
    content = library(C_LIBRARY)
    lean = without_old_hashes(content)
    assert section(lean, ".gnu.hash") == section(content, ".gnu.hash")
    assert not any(section(lean, ".hash"))


def test_tables_stay_where_something_may_throw(tmp_path: Path) -> None:
    plain = {Path("lib/libm.so.6"): library("libm.so.6"), Path(f"lib/{C_LIBRARY}"): library(C_LIBRARY)}
    unwinder = {Path(f"lib/{UNWINDER}"): library(UNWINDER)}
    assert not is_unwound({**plain, **unwinder})
    assert is_unwound({**plain, Path("lib/libstdc++.so.6"): library("libstdc++.so.6")})


def test_libraries_that_lost_their_tables_are_loaded_and_work(tmp_path: Path) -> None:
    for name in ("libm.so.6", "libz.so.1"):
        (tmp_path / name).write_bytes(library(name))
    make_lean(tmp_path, names=False)
    assert not any(section((tmp_path / "libm.so.6").read_bytes(), ".eh_frame"))
    code = "import math, zlib; print(math.cos(0), zlib.crc32(b'x'))"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={"LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "1.0 2363233923\n"


def test_a_thread_ends_where_its_stack_has_code_without_tables(tmp_path: Path) -> None:
    whole = Path(find_libpython() or sys.executable).resolve()
    lean = tmp_path / "lean" / whole.name
    lean.parent.mkdir()
    lean.write_bytes(without_unwind_tables(whole.read_bytes()))
    lean.chmod(0o755)
    is_library = ".so" in whole.name
    python, variables = (sys.executable, {"LD_PRELOAD": str(lean)}) if is_library else (lean, {})
    said = subprocess.run(
        [python, "-Sc", ENDS_A_THREAD],
        env={**variables, "PYTHONHOME": f"{sys.base_prefix}:{sys.base_exec_prefix}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout) == (0, "goes on True\n"), said.stderr
