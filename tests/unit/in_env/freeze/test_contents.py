from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("elftools", reason="pyelftools is not installed")
pytest.importorskip("PyInstaller", reason="PyInstaller is in build environments only")

from PyInstaller.archive import writers

from pystatic_tasks.in_env.freeze import contents
from pystatic_tasks.in_env.protocol import Part


def test_parts_are_listed_from_the_largest(tmp_path: Path) -> None:
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
    parts = contents.list_archive(tmp_path / "program")
    assert parts[:2] == [
        Part(name="libc.so.6", kind="binary", size_bytes=90_000),
        Part(name="größe.txt", kind="data", size_bytes=80_000),
    ]
    assert [(part.name, part.kind) for part in parts[2:]] == [("other", "bytecode"), ("shop", "bytecode")]


def test_everything_in_a_program_has_a_name(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    code = {name: compile("", name, "exec") for name in ("shop", "shop.web")}
    writers.ZlibArchiveWriter(str(tmp_path / "PYZ.pyz"), [(name, "-", "PYMODULE") for name in code], code)
    toc = [("größe.txt", str(tmp_path / "data"), True, "x"), ("PYZ.pyz", str(tmp_path / "PYZ.pyz"), False, "z")]
    writers.CArchiveWriter(str(tmp_path / "program"), toc, "libpython.so")
    assert contents.names_in_archive(tmp_path / "program") == {"größe.txt": [], "PYZ.pyz": ["shop", "shop.web"]}


def test_the_files_of_a_tree_are_listed_alike(tmp_path: Path) -> None:
    files = {
        "shop": (b"#!", 900),
        "lib/libc.so.6": (b"\x7fELF", 800),
        "usr/lib/site-packages/x/y.so": (b"\x7fELF", 700),
        "usr/lib/site-packages/templates/größe.html": (b"", 600),
        "usr/lib/site-packages/falcon/app.pyc": (b"", 200),
        "usr/lib/site-packages/falcon/util/__pycache__/x.cpython-313.opt-2.pyc": (b"", 50),
        "usr/lib/os.pyc": (b"", 250),
        "usr/lib/json/decoder.pyc": (b"", 150),
        "usr/lib/notes.so": (b"no binary", 100),
    }
    for name, (beginning, size) in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(beginning.ljust(size))
    (tmp_path / "usr/lib/y.so").symlink_to("site-packages/x/y.so")
    (tmp_path / "usr/lib/empty").mkdir()
    parts = contents.list_tree(tmp_path, (tmp_path / "usr/lib/site-packages", tmp_path / "usr/lib"))
    assert [(part.name, part.kind, part.size_bytes) for part in parts] == [
        ("shop", "data", 900),
        ("lib/libc.so.6", "binary", 800),
        ("usr/lib/site-packages/x/y.so", "binary", 700),
        ("usr/lib/site-packages/templates/größe.html", "data", 600),
        ("falcon", "bytecode", 250),
        ("os", "bytecode", 250),
        ("json", "bytecode", 150),
        ("usr/lib/notes.so", "data", 100),
    ]


def test_all_that_an_archive_holds_has_its_size_and_its_place(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"d" * 80)
    code = {name: compile("", name, "exec") for name in ("shop", "shop.web")}
    modules = [(name, f"/{name}.py", "PYMODULE") for name in code]
    writers.ZlibArchiveWriter(str(tmp_path / "PYZ.pyz"), modules, code)
    toc = [("größe.txt", str(tmp_path / "data"), True, "x"), ("PYZ.pyz", str(tmp_path / "PYZ.pyz"), False, "z")]
    writers.CArchiveWriter(str(tmp_path / "program"), toc, "libpython.so")
    found = {each.location: each.size_bytes for each in contents.sizes_in_archive(tmp_path / "program", "/shop", "!/")}
    assert list(found) == ["/shop!/größe.txt", "/shop!/PYZ.pyz!/shop", "/shop!/PYZ.pyz!/shop.web"]
    assert found["/shop!/größe.txt"] == 80
    assert 0 < found["/shop!/PYZ.pyz!/shop"] < 1_000
