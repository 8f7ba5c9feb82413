from __future__ import annotations

import ast
from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.in_env.freeze.docstrings import (
    OTHERS,
    OWN,
    PROJECT,
    documented,
    imported,
    level,
    owners_of,
    readings,
)
from pystatic_tasks.in_env.freeze.metadata_headers import distributions_by_file

READS = {OWN: "print(__doc__)\n", OTHERS: "print(main.__doc__)\n"}


@pytest.mark.parametrize(
    ("source", "whose"),
    [
        ("print(__doc__)", {OWN}),
        ("parser = ArgumentParser(description=__doc__)", {OWN}),
        ("arguments = docopt(doc=__doc__)", {OWN}),
        ("from . import __doc__ as text", {OWN}),
        ("from . import __doc__\n\nprint(__doc__)", {OWN}),
        ("class Option:\n    def show(self):\n        return self.__doc__ or ''", {OWN}),
        ("def show(self):\n    return self.__class__.__doc__", {OWN}),
        ("def show(self):\n    return getattr(type(self), '__doc__', None)", {OWN}),
        ("def show(self):\n    return inspect.getdoc(self)", {OWN}),
        ("def __new__(mcs, name, bases, attrs):\n    text = attrs['__doc__'].strip()", {OWN}),
        ("help = command.__doc__", {OTHERS}),
        ("def show(self):\n    return self.command.__doc__", {OTHERS}),
        ("def show(self):\n    return type(other).__doc__", {OTHERS}),
        ("text = getattr(command, '__doc__', '')", {OTHERS}),
        ("from inspect import getdoc\n\ntext = getdoc(command)", {OTHERS}),
        ("import inspect\n\ntext = inspect.getdoc(command)", {OTHERS}),
        ("if command.__doc__:\n    show(command)", {OTHERS}),
        ("if command:\n    command.__doc__ = other.__doc__\n    show(command.__doc__)", {OTHERS}),
        ("text, self.__doc__ = command.__doc__, ''", {OTHERS}),
        ("title = new.__doc__ = old.__doc__", {OTHERS}),
        ("setattr(command, 'text', other.__doc__)", {OTHERS}),
        ("texts = {'__doc__': __doc__, **{'text': other.__doc__}}", {OTHERS}),
        ("def make(__doc__=None):\n    return __doc__ or make.__doc__", {OTHERS}),
        ("show(__doc__, other.__doc__)", {OWN, OTHERS}),
    ],
)
def test_code_that_does_something_with_a_docstring_reads_it(source: str, whose: set[str]) -> None:
    ast.parse(source)
    assert readings(source.encode()) == whose


@pytest.mark.parametrize(
    "source",
    [
        "",
        "'''Has a __doc__.'''",
        "# prints __doc__",
        "__doc__ = 'Text.'",
        "encode.__doc__ = 'Text.'",
        "encode.__doc__ += 'More.'",
        "__doc__: str = other.__doc__",
        "new.__doc__ = old.__doc__ + '\\n\\nDeprecated.'",
        "one.__doc__ = other.__doc__ = old.__doc__",
        "if old.__doc__:\n    new.__doc__ = old.__doc__ + 'More.'",
        "if old.__doc__:\n    new.__doc__ = old.__doc__\nelse:\n    new.__doc__ = 'Text.'",
        "if old:\n    setattr(new, '__doc__', old.__doc__)",
        "size = property(get_size, doc=get_size.__doc__)",
        "body['__doc__'] = old.__doc__",
        "assert method.__doc__",
        "if '__doc__' in attrs:\n    attrs['__doc__'] += 'More.'",
        "WRAPPED = ('__module__', '__name__', '__doc__')",
        "setattr(new, '__doc__', getattr(old, '__doc__', None))",
        "def getdoc(): ...",
        "texts = {'__doc__': __doc__, '__name__': __name__}",
        "def make(name, __doc__=None):\n    return type(name, (), {'text': __doc__})",
        "class Proxy:\n    def __doc__(self): ...\n\n    @__doc__.setter\n    def __doc__(self, text): ...",
        "from .parser import __doc__, parse",
        "print 'Python 2', __doc__",
        "del command.__doc__",
    ],
)
def test_code_that_only_hands_one_on_does_not(source: str) -> None:
    assert readings(source.encode()) == set()


@pytest.mark.parametrize("source", [b"# coding: nonsense\n__doc__", b"\xff __doc__", b"\0__doc__"])
def test_what_python_cannot_parse_reads_nothing(source: bytes) -> None:
    assert readings(source) == set()


# Who keeps theirs.


@pytest.fixture
def owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nothing_installed: None) -> dict[str, str]:
    """Owners of the modules of a project and of two distributions; ours belong to nobody."""
    site = tmp_path / "site-packages"
    monkeypatch.syspath_prepend(site)
    install_distribution(site, "depx", "depx/__init__.py", "depx/web.py", "depx/_c.so")
    install_distribution(site, "othery", "othery.py")
    own = {name: tmp_path / name for name in ("shop.py", "pystatic_runner/main.py", "shop-entry.py")}
    for path in own.values():
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return owners_of(own, distributions_by_file())


MODULES = {
    "depx": "site-packages/depx/__init__.py",
    "depx.web": "site-packages/depx/web.py",
    "depx._c": "site-packages/depx/_c.so",
    "othery": "site-packages/othery.py",
    "shop": "shop.py",
    "shop-entry": "shop-entry.py",
    "pystatic_runner.main": "pystatic_runner/main.py",
}
DEPX = {"depx", "depx.web", "depx._c"}
PROJECTS = {"shop", "shop-entry"}


def test_owners_are_distributions_and_the_project(owners: dict[str, str], tmp_path: Path) -> None:
    found = {name: owners.get(f"{tmp_path}/{path}") for name, path in MODULES.items()}
    assert found == {
        **dict.fromkeys(DEPX, "depx"),
        "othery": "othery",
        **dict.fromkeys(PROJECTS, PROJECT),
        "pystatic_runner.main": None,
    }


@pytest.mark.parametrize(
    ("reader", "whose", "targets", "kept"),
    [
        ("depx.web", OWN, (), DEPX | PROJECTS),
        ("depx.web", OWN, ("othery",), DEPX | PROJECTS | {"othery"}),
        ("depx.web", OTHERS, (), PROJECTS),
        ("depx.web", OTHERS, ("othery",), PROJECTS | {"othery"}),
        ("shop", OTHERS, ("sys",), PROJECTS),
        ("shop-entry", OWN, (), PROJECTS),
        ("othery", OWN, (), PROJECTS | {"othery"}),
        ("pystatic_runner.main", OWN, (), set()),
        ("depx._c", OWN, (), set()),
        (None, OWN, ("othery",), set()),
    ],
)
def test_readers_of_their_own_the_project_and_the_target_keep_theirs_if_anybody_reads(
    owners: dict[str, str], tmp_path: Path, reader: str | None, whose: str, targets: tuple[str, ...], kept: set[str]
) -> None:
    if reader:
        (tmp_path / MODULES[reader]).write_text(READS[whose], encoding="utf-8")
    library = tmp_path / "pydoc.py"
    library.write_text(READS[OWN], encoding="utf-8")
    modules = [(name, str(tmp_path / path), "PYMODULE-2") for name, path in MODULES.items()]
    modules += [("pydoc", str(library), "PYMODULE-2"), ("space", "-", "PYMODULE-2")]
    assert documented(modules, owners, targets) == kept


def test_an_entry_script_imports_its_target() -> None:
    source = b"import sys\n\nfrom black.main import run\n\n\ndef load():\n    import shop.app\n"
    assert imported(source) == {"sys", "black.main", "shop.app"}
    assert imported(b"from . import x\n") == set()


@pytest.mark.parametrize(("optimize", "kept"), [(0, 0), (1, 1), (2, 1)])
def test_docstrings_are_kept_at_the_level_below_the_highest(optimize: int, kept: int) -> None:
    assert level(optimize, documented=True) == kept
    assert level(optimize, documented=False) == optimize
