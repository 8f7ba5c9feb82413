from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

pytest.importorskip("elftools", reason="pyelftools is not installed")
pytest.importorskip("PyInstaller", reason="PyInstaller is in build environments only")

from pystatic_tasks.in_env.elf.shared_libraries import linkage
from pystatic_tasks.in_env.freeze.slim import loaded_with, may_be_left_out, name_of, slimmed, without_tls
from pystatic_tasks.in_env.protocol import Analysed

PYTHON = Path(sys.executable).resolve()
SUFFIX = EXTENSION_SUFFIXES[0]
NOTHING = Analysed(scripts=(), pure=(), loose=(), binaries=(), datas=())


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (("email.mime", "/std/email/mime/__init__.py", "PYMODULE"), "email.mime"),
        (("email.mime", "/std/email/mime/__init__.py", "PYMODULE-2"), "email.mime"),
        (("email/mime/__init__.pyc", "/made/email/mime/__init__.pyc", "DATA"), "email.mime"),
        (("zipfile.pyc", "/made/zipfile.pyc", "DATA"), "zipfile"),
        ((f"python3.12/lib-dynload/_ssl{SUFFIX}", "/std/_ssl.so", "EXTENSION"), "_ssl"),
        ((f"numpy/core/_umath{SUFFIX}", "/site/_umath.so", "EXTENSION"), "numpy.core._umath"),
        (("shop/static/page.css", "/site/page.css", "DATA"), "shop/static/"),
        (("shop/rates.csv", "/site/shop/rates.csv", "DATA"), "shop/"),
        (("rates.csv", "/shop/rates.csv", "DATA"), ""),
        (("base_library.zip", "/made/base_library.zip", "DATA"), ""),
        (("shop-1.0.dist-info/METADATA", "/site/METADATA", "DATA"), ""),
        (("libz.so.1", "/lib/libz.so.1", "BINARY"), ""),
        (("libx.so", "x.libs/libx.so", "SYMLINK"), ""),
    ],
)
def test_an_entry_has_the_name_of_its_module_or_of_its_folder(entry: tuple[str, str, str], name: str) -> None:
    assert name_of(entry) == name


def test_what_python_itself_needs_what_is_the_projects_and_what_is_a_packages_own_stays() -> None:
    analysed = replace(
        NOTHING,
        pure=(
            *((name, "", "PYMODULE") for name in ("os", "codecs", "encodings.utf_8", "encodings.cp037", "traceback")),
            *((name, "", "PYMODULE") for name in ("shop", "shop.web", "pystatic_runner", "certifi", "depx.web")),
        ),
        datas=(
            *((path, "", "DATA") for path in ("shop/page.html", "certifi/cacert.pem", "depx/locale/de/x.mo")),
            ("depx-1.0.dist-info/METADATA", "", "DATA"),
        ),
    )
    assert may_be_left_out(analysed, ["shop"]) == ["certifi", "depx.web", "depx/locale/de/", "encodings.cp037"]


def test_what_is_kept_for_errors_can_be_imported() -> None:
    names = ("traceback", "linecache", "_strptime", "calendar", "locale", "_pylong", "decimal", "colorsys")
    analysed = replace(NOTHING, pure=tuple((name, "", "PYMODULE") for name in names))
    assert may_be_left_out(analysed, []) == ["colorsys", "decimal"]


def test_what_is_left_out_goes_with_all_in_it() -> None:
    kept = (("email.charset", "", "PYMODULE"), ("jsonx", "", "PYMODULE"))
    whole = replace(
        NOTHING,
        pure=(*kept, ("email.mime", "", "PYMODULE"), ("email.mime.text", "", "PYMODULE"), ("json", "", "PYMODULE")),
        datas=(("json/page.html", "", "DATA"), ("jsonx/page.html", "", "DATA"), ("jsonx/css/a.css", "", "DATA")),
    )
    found = slimmed(whole, {"email.mime", "json", "jsonx/css/"}, PYTHON)
    assert found.pure == kept
    assert found.datas == (("jsonx/page.html", "", "DATA"),)
    assert slimmed(whole, set(), PYTHON) is whole


def test_with_an_extension_module_go_the_libraries_that_nothing_else_needs() -> None:
    files = [str(import_module(name).__file__) for name in ("_ssl", "_ctypes")]
    needed = {name for name in linkage(Path(files[0])).needed if name.startswith(("libssl", "libcrypto"))}
    if not needed:
        pytest.skip("this Python's _ssl is linked statically")
    libraries = tuple((name, str(PYTHON), "BINARY") for name in (*sorted(needed), "libunused.so.1"))
    extensions = tuple((f"lib-dynload/{Path(file).name}", file, "EXTENSION") for file in files)
    whole = replace(NOTHING, binaries=(*extensions, *libraries))
    with_ssl = slimmed(whole, {"json"}, PYTHON)
    assert {name for name, _, _ in with_ssl.binaries} - {extensions[0][0], extensions[1][0]} == needed
    assert slimmed(whole, {"_ssl"}, PYTHON).binaries == (extensions[1],)


def test_a_shared_python_stays_though_nothing_else_needs_it(tmp_path: Path) -> None:
    libpython = tmp_path / "libpython3.so.1.0"
    libpython.symlink_to(import_module("_ctypes").__file__ or "")
    entry = (libpython.name, str(libpython), "BINARY")
    whole = replace(NOTHING, binaries=(entry, ("libunused.so.1", str(PYTHON), "BINARY")))
    assert slimmed(whole, {"json"}, libpython).binaries == (entry,)
    assert slimmed(whole, {"json"}, PYTHON).binaries == ()


def test_without_tls_another_module_stands_in_the_place_of_ssl(tmp_path: Path) -> None:
    source, bytecode = tmp_path / "ssl.py", tmp_path / "ssl.pyc"
    whole = replace(
        NOTHING,
        pure=(("ssl", "/std/ssl.py", "PYMODULE"), ("json", "/std/json.py", "PYMODULE")),
        datas=(("ssl.pyc", "/made/ssl.pyc", "DATA"),),
    )
    found = without_tls(whole, source, bytecode)
    assert found.pure == (("ssl", str(source), "PYMODULE"), ("json", "/std/json.py", "PYMODULE"))
    assert found.datas == (("ssl.pyc", str(bytecode), "DATA"),)


def test_what_comes_with_a_module_is_known() -> None:
    assert {"inspect", "ast", "enum"} <= loaded_with(["inspect"])


def test_a_module_that_the_interpreter_holds_itself_needs_no_file() -> None:
    places = (
        "importlib/_bootstrap.pyc",
        "importlib/__init__.pyc",
        "os.pyc",
        "shop/os.pyc",
        "shop/page.css",
        "json.pyc",
    )
    analysed = replace(NOTHING, datas=tuple((place, f"/made/{place}", "DATA") for place in places))
    kept = [name for name, _, _ in slimmed(analysed, {"lost"}, PYTHON).datas]
    assert kept == ["importlib/__init__.pyc", "os.pyc", "shop/os.pyc", "shop/page.css", "json.pyc"]
    code = "import sys, importlib._bootstrap_external as one; print(one is sys.modules['_frozen_importlib_external'])"
    assert subprocess.run([PYTHON, "-ISc", code], capture_output=True, text=True, check=True).stdout == "True\n"
