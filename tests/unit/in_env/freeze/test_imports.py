from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.in_env.freeze import imports

SOURCE = """\
import json
from shop.prices import price

LIMIT = 3


def answer(number):
    import decimal

    return json.dumps({"number": number + LIMIT})
"""
Read = Callable[..., Any]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """What counts of modules, given by name and source."""

    def read(**sources: str) -> Any:
        files = {}
        for name, source in sources.items():
            path = tmp_path / f"{name}.py"
            path.write_text(source, encoding="utf-8")
            files[f"shop/{name}.py"] = path
        return imports.read_modules(files)

    return read


def test_imports_are_found_wherever_they_stand() -> None:
    found = imports.read_module(SOURCE.encode()).imports
    assert found == (("json", None, 0), ("shop.prices", ("price",), 0), ("decimal", None, 0))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("number + LIMIT", "number * LIMIT"),
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = 3\nOTHER = 5"),
        ("def answer(number)", "def answer(number, more=None)"),
        ("    return", "    # A comment.\n    return"),
    ],
)
def test_a_changed_line_without_imports_changes_nothing(read: Read, old: str, new: str) -> None:
    assert read(web=SOURCE.replace(old, new)) == read(web=SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import json", "import json, csv"),
        ("import json", "if False:\n    import json"),
        ("import decimal", "import fractions"),
        ("import decimal", "from . import decimal"),
        ("import decimal", "from .. import decimal"),
        ("import price", "import price, tax"),
        ("import price", "import *"),
    ],
)
def test_a_changed_import_counts(read: Read, old: str, new: str) -> None:
    assert read(web=SOURCE.replace(old, new)) != read(web=SOURCE)


def test_names_count_in_packages_and_where_all_names_are_taken(read: Read) -> None:
    more = SOURCE + "\nNEW = 1\n"
    assert read(__init__=more) != read(__init__=SOURCE)
    star = "from .web import *\n"
    assert read(other=star, web=more) != read(other=star, web=SOURCE)


@pytest.mark.parametrize(
    "line",
    [
        "import ctypes",
        "from ctypes import util",
        "import importlib.metadata",
        "import pkg_resources",
        "import importlib",
    ],
)
def test_all_counts_of_who_asks_for_libraries_or_distributions(read: Read, line: str) -> None:
    assert read(web=f"{line}\nNAME = 'a'\n") != read(web=f"{line}\nNAME = 'b'\n")


def test_a_module_that_does_not_compile_counts_as_it_is(read: Read) -> None:
    assert read(web="def (") == read(web="def (") != read(web="def ((")
