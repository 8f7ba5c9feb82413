from __future__ import annotations

import sys
from pathlib import Path

import pytest
from gunicorn.errors import AppImportError
from gunicorn.util import import_app as gunicorn_import_app

from pystatic_tasks.in_image.application import import_app
from pystatic_tasks.in_image.errors import TargetError

SHOP = """
nothing = None
number = 3

def app(environ, start_response):
    return []

def create(name="shop", *, debug=False):
    app.made_by = (name, debug)
    return app

def fail():
    return len(3)

class App:
    def __init__(self, name):
        self.name = name

    def __call__(self, environ, start_response):
        return []
"""


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module to import from, anew for each test."""
    (tmp_path / "shopx.py").write_text(SHOP, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shopx", raising=False)


def refused(target: str) -> str:
    with pytest.raises(TargetError) as caught:
        import_app(target)
    return str(caught.value)


def test_a_callable_is_the_application() -> None:
    assert import_app("shopx:app").__name__ == "app"


@pytest.mark.parametrize(
    ("call", "made_by"),
    [
        ("create()", ("shop", False)),
        ("create('x', debug=True)", ("x", True)),
        ("create( 'x' )", ("x", False)),
    ],
)
def test_a_factory_is_called(call: str, made_by: tuple[str, bool]) -> None:
    assert import_app(f"shopx:{call}").made_by == made_by


def test_a_class_is_a_factory_too() -> None:
    assert import_app("shopx:App('x')").name == "x"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("shopx:web", "Failed to find attribute 'web' in 'shopx'."),
        ("shopx:number", "Application object must be callable."),
        ("shopx:nothing", "Failed to find application object: 'nothing'"),
        ("shopx:app.x", "Failed to parse 'app.x' as an attribute name or function call."),
        ("shopx:app.x()", "Function reference must be a simple name: 'app.x()'"),
        ("shopx:a b", "Failed to parse 'a b' as an attribute name or function call."),
        ("shopx:create(number)", "Failed to parse arguments as literal values: 'create(number)'"),
        ("shopx:App()", "TypeError: App.__init__() missing 1 required positional argument: 'name'"),
    ],
)
def test_what_is_no_application_is_told(target: str, text: str) -> None:
    assert refused(target) == text


def test_an_error_of_the_factory_is_its_own() -> None:
    with pytest.raises(TypeError, match=r"has no len\(\)"):
        import_app("shopx:fail()")


def test_a_file_is_no_module_but_tells_which_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImportError, match=r"^Failed to find application, did you mean 'shopx:app'\?$"):
        import_app("shopx.py:app")


@pytest.mark.parametrize("target", ["shopx:app", "shopx:create('x')"])
def test_it_reads_targets_as_gunicorn_does(target: str) -> None:
    assert import_app(target) is gunicorn_import_app(target)


@pytest.mark.parametrize("attribute", ["app.x", "app.x()", " app", "app(", "create(app)", "3", "nothing", "gone"])
def test_it_refuses_targets_as_gunicorn_does(attribute: str) -> None:
    with pytest.raises(AppImportError) as caught:
        gunicorn_import_app(f"shopx:{attribute}")
    assert refused(f"shopx:{attribute}") == str(caught.value)


def test_a_module_that_is_not_there_is_pythons_to_tell() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'nowherex'$"):
        import_app("nowherex:app")
