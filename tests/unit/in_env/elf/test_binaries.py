from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from support import tool_or_skip

pytest.importorskip("elftools", reason="pyelftools is not installed")

from pystatic_tasks.in_env.elf import binaries


@pytest.fixture
def extension(tmp_path: Path) -> Path:
    """A copy of one of this Python's own extension modules, without any search path."""
    patchelf = tool_or_skip("patchelf")
    found = sorted(Path(str(sysconfig.get_config_var("DESTSHARED"))).glob("*.so"))
    if not found:
        pytest.skip("this Python has no extension modules of its own")
    copy = tmp_path / "extension.so"
    shutil.copyfile(found[0], copy)
    copy.chmod(0o755)
    subprocess.run([patchelf, "--remove-rpath", copy], check=True, timeout=20)
    return copy


def patchelf(binary: Path, *arguments: str) -> None:
    subprocess.run(["patchelf", *arguments, binary], check=True, timeout=20)


def set_search_path(binary: Path, kind: str, path: str) -> None:
    patchelf(binary, *(["--force-rpath"] if kind == "rpath" else []), "--set-rpath", path)


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("kind", ["rpath", "runpath"])
def test_the_search_path_is_read_with_its_kind(extension: Path, kind: str) -> None:
    set_search_path(extension, kind, "/opt/größe/lib:$ORIGIN/../x.libs")
    assert binaries.search_path(extension) == (kind, ["/opt/größe/lib", "$ORIGIN/../x.libs"])


def test_a_binary_without_search_path_has_none(extension: Path) -> None:
    assert binaries.search_path(extension) == ("", [])


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF" + bytes(100)])
def test_what_is_no_binary_has_no_search_path(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert binaries.search_path(tmp_path / "x") == ("", [])


@pytest.mark.parametrize(
    ("kind", "path", "after"),
    [
        ("runpath", "/opt/python/lib", ("", [])),
        ("rpath", "/opt/lib", ("", [])),
        ("runpath", "$ORIGIN/../x.libs", ("rpath", ["$ORIGIN/../x.libs"])),
        ("runpath", "/opt/lib:${ORIGIN}:/usr/lib:$ORIGIN/b", ("rpath", ["${ORIGIN}", "$ORIGIN/b"])),
        ("rpath", "$ORIGIN:/opt/lib", ("rpath", ["$ORIGIN"])),
    ],
)
def test_only_folders_relative_to_the_file_stay_and_never_as_runpath(
    extension: Path, kind: str, path: str, after: tuple[str, list[str]]
) -> None:
    set_search_path(extension, kind, path)
    binaries.localize_search_path(extension)
    assert binaries.search_path(extension) == after
    assert binaries.loads(extension)


def test_what_is_fit_already_is_not_touched(extension: Path) -> None:
    set_search_path(extension, "rpath", "$ORIGIN/lib")
    before = extension.read_bytes()
    binaries.localize_search_path(extension)
    assert extension.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("libcrypto.so.3", True),
        ("falcon/cyutil/reader.cpython-313-x86_64-linux-gnu.so", True),
        ("numpy.libs/libgfortran.so.5", False),
        ("pillow.libs/libjpeg-4a1b2c3d.so.62", False),
        ("libopenblas-4a1b2c3d.so", False),
        ("libx-4a1b2c3d4.so", True),
    ],
)
def test_libraries_of_repaired_wheels_are_not_stripped(name: str, allowed: bool) -> None:
    assert binaries.may_be_stripped(name) is allowed


def test_a_binary_is_stripped_where_it_still_loads(extension: Path, tmp_path: Path) -> None:
    expected = tmp_path / "expected.so"
    subprocess.run([tool_or_skip("strip"), "--strip-all", "-o", expected, extension], check=True, timeout=20)
    binaries.strip_if_it_still_loads(extension)
    assert extension.read_bytes() == expected.read_bytes()
    assert binaries.loads(extension)
    assert not (tmp_path / "extension.so.stripped").exists()


def test_a_binary_that_would_not_load_any_more_stays_as_it_is(
    extension: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    program(tools, "strip", 'printf "\\177ELF broken" > "$3"; chmod 755 "$3"')
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    before = extension.read_bytes()
    binaries.strip_if_it_still_loads(extension)
    assert extension.read_bytes() == before
    assert not (tmp_path / "extension.so.stripped").exists()


def test_a_binary_that_cannot_be_stripped_stays_as_it_is(
    extension: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    program(tools, "strip", "exit 1")
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    before = extension.read_bytes()
    binaries.strip_if_it_still_loads(extension)
    assert extension.read_bytes() == before


def test_binaries_are_replaced_by_fit_copies_and_nothing_else_is(extension: Path, tmp_path: Path) -> None:
    set_search_path(extension, "runpath", "/opt/lib")
    before = extension.read_bytes()
    toc = [
        ("notes.txt", "/somewhere/notes.txt", "DATA"),
        ("größe/x.so", str(extension), "EXTENSION"),
        ("libx.so", "", "BINARY"),
        ("x.so", str(extension), "BINARY"),
    ]
    folder = tmp_path / "fit"
    assert binaries.prepare(toc, folder, strip=False) == [
        ("notes.txt", "/somewhere/notes.txt", "DATA"),
        ("größe/x.so", str(folder / "größe" / "x.so"), "EXTENSION"),
        ("libx.so", "", "BINARY"),
        ("x.so", str(folder / "x.so"), "BINARY"),
    ]
    assert binaries.search_path(folder / "größe" / "x.so") == ("", [])
    assert f"{(folder / 'x.so').stat().st_mode:o}" == "100755"
    assert extension.read_bytes() == before


def test_a_copy_is_made_anew_where_its_file_has_changed(extension: Path, tmp_path: Path) -> None:
    toc = [("x.so", str(extension), "EXTENSION")]
    copy = tmp_path / "fit" / "x.so"
    binaries.prepare(toc, tmp_path / "fit", strip=False)
    modified = copy.stat().st_mtime_ns
    copy.write_bytes(b"kept")
    os.utime(copy, ns=(modified, modified))
    binaries.prepare(toc, tmp_path / "fit", strip=False)
    assert copy.read_bytes() == b"kept"
    os.utime(extension, ns=(1, 1))
    binaries.prepare(toc, tmp_path / "fit", strip=False)
    assert copy.read_bytes() == extension.read_bytes()


def test_of_the_projects_own_no_copy_is_kept(extension: Path, tmp_path: Path) -> None:
    folder, other = tmp_path / "fit", tmp_path / "other.so"
    other.write_bytes(extension.read_bytes())
    toc = [("x.so", str(extension), "EXTENSION"), ("other.so", str(other), "BINARY"), ("x.txt", str(extension), "DATA")]
    binaries.prepare(toc, folder, strip=False)
    (folder / "x.txt").touch()
    binaries.forget_copies(toc, {extension}, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["other.so", "x.txt"]


def test_symbols_are_removed_only_if_wanted(extension: Path, tmp_path: Path) -> None:
    tool_or_skip("strip")
    toc = [("x.so", str(extension), "EXTENSION"), ("a.libs/x.so", str(extension), "BINARY")]
    binaries.prepare(toc, tmp_path / "whole", strip=False)
    binaries.prepare(toc, tmp_path / "stripped", strip=True)
    subprocess.run(["strip", "--strip-all", extension], check=True, timeout=20)
    assert (tmp_path / "stripped" / "x.so").stat().st_size == extension.stat().st_size
    whole = (tmp_path / "whole" / "x.so").read_bytes()
    assert (tmp_path / "stripped" / "a.libs" / "x.so").read_bytes() == whole


def test_a_library_that_stands_nowhere_is_named_with_what_needs_it(extension: Path, tmp_path: Path) -> None:
    folder = tmp_path / "program"
    (folder / "deep").mkdir(parents=True)
    (folder / "notes.txt").write_text("no binary", encoding="utf-8")
    patchelf(extension, "--add-needed", "libnowhere.so.1")
    shutil.copy(extension, folder / "deep" / "x.so")
    assert binaries.unresolved(folder) == [("deep/x.so", "libnowhere.so.1")]


def test_a_library_may_stand_beside_what_needs_it(extension: Path, tmp_path: Path) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    shutil.copy(extension, folder / "libhere.so.1")
    patchelf(extension, "--add-needed", "libhere.so.1")
    shutil.copy(extension, folder / "x.so")
    assert binaries.unresolved(folder) == []


@pytest.mark.parametrize(("content", "elf"), [(b"\x7fELF...", True), (b"\x7fEL", False), (b"", False), (b"MZ", False)])
def test_binaries_are_known_by_their_first_bytes(tmp_path: Path, content: bytes, elf: bool) -> None:
    (tmp_path / "x").write_bytes(content)
    assert binaries.is_elf(tmp_path / "x") is elf
