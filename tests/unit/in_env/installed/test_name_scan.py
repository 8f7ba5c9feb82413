from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.in_env.installed import name_scan

NAMES = ("ProcessPoolExecutor", "tarfile", "make_archive")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from concurrent.futures import ProcessPoolExecutor", "ProcessPoolExecutor"),
        ("from concurrent.futures import ProcessPoolExecutor as Pool", "ProcessPoolExecutor"),
        ("import concurrent.futures as f\n\npool = f.ProcessPoolExecutor()", "ProcessPoolExecutor"),
        ("from concurrent.futures import *\n\npool: ProcessPoolExecutor", "ProcessPoolExecutor"),
        ("pool = getattr(futures, 'ProcessPoolExecutor')", "ProcessPoolExecutor"),
        ("EXECUTOR = 'concurrent.futures.ProcessPoolExecutor'", "ProcessPoolExecutor"),
        ("EXECUTOR = 'concurrent.futures:ProcessPoolExecutor'", "ProcessPoolExecutor"),
        ("import tarfile", "tarfile"),
        ("import backports.tarfile", "tarfile"),
        ("from tarfile import open", "tarfile"),
        ("from backports.tarfile.compat import open", "tarfile"),
        ("def f():\n    from shutil import make_archive", "make_archive"),
        ("match x:\n    case ProcessPoolExecutor():\n        pass", "ProcessPoolExecutor"),
    ],
)
def test_a_name_is_mentioned_where_code_could_ask_for_it(tmp_path: Path, source: str, name: str) -> None:
    (tmp_path / "x.py").write_text(source, encoding="utf-8")
    assert name_scan.mentioned(NAMES, [tmp_path / "x.py"]) == {name}


@pytest.mark.parametrize(
    "source",
    [
        "# unlike ProcessPoolExecutor",
        '"""Not for ProcessPoolExecutor."""',
        "raise ValueError('use a ProcessPoolExecutor')",
        "class MyProcessPoolExecutor: ...",
        "x = tarfiles + make_archive_",
        "from . import web",
        "",
    ],
)
def test_what_is_said_of_a_name_does_not_ask_for_it(tmp_path: Path, source: str) -> None:
    (tmp_path / "x.py").write_text(source, encoding="utf-8")
    assert name_scan.mentioned(NAMES, [tmp_path / "x.py"]) == set()


@pytest.mark.parametrize(
    "content",
    [
        b"print tarfile",
        b"{% import %} tarfile",
        b"# coding: nonsense\nimport tarfile",
        b"\x7fELF\x00PyImport\x00tarfile\x00make",
        b"\xff tarfile",
    ],
    ids=["Python 2", "template", "unknown coding", "binary", "not UTF-8"],
)
def test_what_cannot_be_parsed_is_taken_at_its_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert name_scan.mentioned(NAMES, [tmp_path / "x"]) == {"tarfile"}


def test_words_that_only_hold_a_name_do_not_count_in_binaries(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_bytes(b"\x7fELF\x00tarfile_open\x00mytarfile\x00")
    assert name_scan.mentioned(NAMES, [tmp_path / "x.so"]) == set()


def test_all_files_are_asked(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import tarfile", encoding="utf-8")
    (tmp_path / "b.py").write_bytes("# coding: latin-1\nx = 'größe'\nmake_archive(x)\n".encode("latin-1"))
    assert name_scan.mentioned(NAMES, [tmp_path / "a.py", tmp_path / "b.py"]) == {"tarfile", "make_archive"}
    assert name_scan.mentioned(NAMES, []) == set()
