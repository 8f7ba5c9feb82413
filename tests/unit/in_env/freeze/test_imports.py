from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
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
# What PyInstaller itself searches.
SEARCHED = ("ctypes", "importlib.metadata", "importlib_metadata", "pkg_resources")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """What counts of modules of a package, given by name and source."""

    def read(searched: Iterable[str] = SEARCHED, hooked: Iterable[str] = (), **sources: str) -> Any:
        files = {}
        for name, source in sources.items():
            path = tmp_path / f"{name}.py"
            path.write_text(source, encoding="utf-8")
            files[f"shop/{name}.py"] = path
        return imports.decisive(imports.read_modules(files), searched, hooked)

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
        ("import json", "import json\nif False:\n    import csv"),
        ("import decimal", "import fractions"),
        ("import decimal", "from . import decimal"),
        ("import decimal", "from .. import decimal"),
        ("import price", "import price, tax"),
        ("import price", "import *"),
        ("    return", "    return\n    import csv"),
        ("    return", "    if not __debug__:\n        import csv\n    return"),
    ],
)
def test_a_changed_import_counts(read: Read, old: str, new: str) -> None:
    assert read(web=SOURCE.replace(old, new)) != read(web=SOURCE)


STATEMENTS = """\
import one, two.part
if one:
    import three
elif two:
    from . import four
else:
    import five
while one:
    import six
else:
    import seven
for each in one:
    from .. import eight
with one:
    import nine
try:
    import ten
except ValueError:
    import eleven
else:
    import twelve
finally:
    import thirteen
match one:
    case 1:
        import fourteen
class Shop:
    async def answer(self):
        from fifteen import first, second
from sixteen import *
"""


def test_imports_are_found_as_pyinstaller_finds_them() -> None:
    modulegraph = pytest.importorskip("PyInstaller.lib.modulegraph.modulegraph", reason="only in build environments")
    module = SimpleNamespace(_deferred_imports=[])
    modulegraph._Visitor(None, module).visit(ast.parse(STATEMENTS))
    found = []
    for has_star, (name, _, names, level), _ in module._deferred_imports:
        found.append((name, None if names is None else ("*",) if has_star else tuple(names), level))
    assert imports.read_module(STATEMENTS.encode()).imports == tuple(found)


def test_names_count_in_packages_and_where_all_names_are_taken(read: Read) -> None:
    more = SOURCE + "\nNEW = 1\n"
    assert read(__init__=more) != read(__init__=SOURCE)
    star = "from .web import *\n"
    assert read(other=star, web=more) != read(other=star, web=SOURCE)


def test_names_count_as_they_are_in_the_end(read: Read) -> None:
    there, deleted, again = "cart = None\n", "cart = None\ndel cart\n", "cart = None\ndel cart\ncart = 1\n"
    assert read(__init__=there) != read(__init__=deleted)
    assert read(__init__=deleted) == read(__init__="")
    assert read(__init__=again) == read(__init__=there)
    assert read(__init__=f"{there}def clear():\n    global cart\n    del cart\n") == read(__init__="clear = 1\n")


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


@pytest.mark.parametrize("line", ["import matplotlib", "import matplotlib.pyplot as plt", "from matplotlib import use"])
def test_all_counts_of_who_imports_what_a_hook_searches_for(read: Read, line: str) -> None:
    svg, pdf = (f"{line}\n\n\ndef plot():\n    use('{each}')\n" for each in ("svg", "pdf"))
    assert read(web=svg) == read(web=pdf)
    assert read(["matplotlib"], web=svg) != read(["matplotlib"], web=pdf)


def test_a_package_that_is_searched_for_is_also_imported_from_inside(read: Read) -> None:
    one, two = ("from . import prices\nX = 1\n", "from . import prices\nX = 2\n")
    assert read(["shop.prices"], web=one) != read(["shop.prices"], web=two)
    assert read(["bank.prices"], web=one) == read(["bank.prices"], web=two)


def test_all_counts_of_a_package_with_a_hook(read: Read) -> None:
    assert read(hooked=["shop"], web="X = 1\n") != read(hooked=["shop"], web="X = 2\n")
    assert read(hooked=["shop.cart"], web="X = 1\n") != read(hooked=["shop.cart"], web="X = 2\n")
    assert read(hooked=["shops"], web="X = 1\n") == read(hooked=["shops"], web="X = 2\n")


def test_a_module_that_does_not_compile_counts_as_it_is(read: Read) -> None:
    assert read(web="def (") == read(web="def (") != read(web="def ((")
