from __future__ import annotations

import ast
from pathlib import Path

import pytest
from unit.init.conftest import Write

from pystatic_tasks.init.modules import imported_names, module_name, parse, read_code

TARGET = "app = 1\n"


def names(root: Path, *folders: str) -> list[str]:
    return sorted(read_code(root, [root / each for each in folders or ["."]]).modules)


def test_modules_are_named_as_they_are_imported(write: Write) -> None:
    root = write({"shop/__init__.py": "", "shop/web/app.py": "", "main.py": "", "not-a-name.py": "", "class/x.py": ""})
    assert names(root) == ["main", "shop", "shop.web.app"]


def test_each_module_has_the_name_from_the_nearest_folder(write: Write) -> None:
    root = write({"src/shop/web.py": "", "manage.py": ""})
    assert names(root, "src", ".") == ["manage", "shop.web"]


@pytest.mark.parametrize(
    "path",
    [
        *("tests/app.py", "shop/tests/app.py", "docs/conf.py", "examples/app.py", "scripts/serve.py", "build/app.py"),
        *("shop/migrations/0001.py", "shop/migrations/first.py", ".venv/lib/app.py", "shop/test_app.py", "app_test.py"),
        *("conftest.py", "setup.py", "noxfile.py", "shop/__main__.py", "node_modules/x/app.py", "shop.egg-info/app.py"),
    ],
)
def test_what_is_beside_the_code_is_not_read(write: Write, path: str) -> None:
    assert names(write({path: TARGET})) == []


@pytest.mark.parametrize("file", ["env/pyvenv.cfg", "env/requirements.txt", "env/pyproject.toml", "env/setup.py"])
def test_environments_and_other_projects_are_not_read(write: Write, file: str) -> None:
    assert names(write({"env/app.py": TARGET, file: ""})) == []


def test_a_package_with_requirements_in_it_is_no_other_project(write: Write) -> None:
    assert names(write({"shop/__init__.py": "", "shop/requirements.txt": ""})) == ["shop"]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (b"\n\nprint 'x'\n", "a.py, line 3: "),
        (b"def f(:\n", "a.py, line 1: "),
        (b"x = '\xff'\n", "a.py"),
        (b"x = '\0'\n", "a.py"),
    ],
)
def test_files_that_cannot_be_read_are_told_and_left_out(write: Write, source: bytes, line: str) -> None:
    root = write({"a.py": "", "b.py": ""})
    (root / "a.py").write_bytes(source)
    code = read_code(root, [root])
    assert list(code.modules) == ["b"]
    [skipped] = code.skipped
    assert skipped.startswith(line)


def test_a_huge_file_is_left_out(write: Write) -> None:
    assert names(write({"data.py": "x = 1\n" * 200_000})) == []


def test_what_is_odd_in_the_code_is_no_warning() -> None:
    parse('x = "\\d"\nassert (1, 2)\n')


def test_links_in_a_circle_end(write: Write) -> None:
    root = write({"shop/app.py": ""})
    (root / "shop" / "again").symlink_to(root / "shop")
    assert names(root) == ["shop.app"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import falcon.asgi as fa", {"fa": "falcon.asgi"}),
        ("import falcon.asgi", {"falcon": "falcon"}),
        ("from flask import Flask as F", {"F": "flask.Flask"}),
        ("from . import articles", {"articles": "shop.web.articles"}),
        ("from .articles import ALL", {"ALL": "shop.web.articles.ALL"}),
        ("from ..core import db", {"db": "shop.core.db"}),
        ("def f():\n    from flask import Flask", {"Flask": "flask.Flask"}),
    ],
)
def test_imported_names_are_known_in_full(source: str, expected: dict[str, str]) -> None:
    assert imported_names(ast.parse(source), "shop.web", is_package=True) == expected


def test_a_module_imports_from_the_package_around_it() -> None:
    assert imported_names(ast.parse("from . import db"), "shop.web", is_package=False) == {"db": "shop.db"}


def test_a_name_is_followed_to_where_it_is_defined(write: Write) -> None:
    root = write(
        {"shop/__init__.py": "from .web import app\n", "shop/web.py": TARGET, "wsgi.py": "from shop import app"}
    )
    assert read_code(root, [root]).origin("wsgi.app") == "shop.web.app"


def test_names_that_are_imported_in_a_circle_end(write: Write) -> None:
    root = write({"a.py": "from b import x\n", "b.py": "from a import x\n"})
    assert read_code(root, [root]).origin("a.x") in ("a.x", "b.x")


def test_a_long_chain_of_conditions_is_read(write: Write) -> None:
    chain = "if x == 0:\n    a = 0\n" + "".join(f"elif x == {n}:\n    a = {n}\n" for n in range(1, 1500))
    root = write({"a.py": chain, "b.py": "match 1:\n    case 1:\n        app = 1\n"})
    code = read_code(root, [root])
    assert len(code.modules["a"].bound["a"]) == 1500
    assert list(code.modules["b"].bound) == ["app"]


def test_only_what_is_importable_has_a_name() -> None:
    assert module_name(Path("shop/gunicorn.conf.py")) == ""
