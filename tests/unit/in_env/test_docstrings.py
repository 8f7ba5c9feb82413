from __future__ import annotations

import ast
from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.in_env.docstrings import PROJECT, documented, imported, level, owners_of, reads_docstrings
from pystatic_tasks.in_env.metadata_headers import distributions_by_file

READS = "print(main.__doc__)\n"


@pytest.mark.parametrize(
    "source",
    [
        "print(__doc__)",
        "parser = ArgumentParser(description=__doc__)",
        "arguments = docopt(doc=__doc__)",
        "help = command.__doc__",
        "class Option:\n    def show(self):\n        return self.__doc__ or ''",
        "text = getattr(command, '__doc__', '')",
        "from inspect import getdoc\n\ntext = getdoc(command)",
        "import inspect\n\ntext = inspect.getdoc(command)",
        "if command.__doc__:\n    show(command)",
        "if command:\n    command.__doc__ = other.__doc__\n    show(command.__doc__)",
        "text, self.__doc__ = command.__doc__, ''",
        "title = new.__doc__ = old.__doc__",
        "setattr(command, 'text', other.__doc__)",
    ],
)
def test_code_that_does_something_with_a_docstring_reads_it(source: str) -> None:
    ast.parse(source)
    assert reads_docstrings(source.encode())


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
        "WRAPPED = ('__module__', '__name__', '__doc__')",
        "setattr(new, '__doc__', getattr(old, '__doc__', None))",
        "def getdoc(): ...",
        "print 'Python 2', __doc__",
        "del command.__doc__",
    ],
)
def test_code_that_only_hands_one_on_does_not(source: str) -> None:
    assert not reads_docstrings(source.encode())


@pytest.mark.parametrize("source", [b"# coding: nonsense\n__doc__", b"\xff __doc__", b"\0__doc__"])
def test_what_python_cannot_parse_reads_nothing(source: bytes) -> None:
    assert not reads_docstrings(source)


# Who keeps theirs.


@pytest.fixture
def owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
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
    ("reader", "targets", "kept"),
    [
        ("depx.web", (), DEPX | PROJECTS),
        ("depx.web", ("othery",), DEPX | PROJECTS | {"othery"}),
        ("shop", ("sys",), PROJECTS),
        ("shop-entry", (), PROJECTS),
        ("othery", (), PROJECTS | {"othery"}),
        ("pystatic_runner.main", (), set()),
        ("depx._c", (), set()),
        (None, ("othery",), set()),
    ],
)
def test_readers_the_project_and_the_target_keep_theirs_if_anybody_reads(
    owners: dict[str, str], tmp_path: Path, reader: str | None, targets: tuple[str, ...], kept: set[str]
) -> None:
    if reader:
        (tmp_path / MODULES[reader]).write_text(READS, encoding="utf-8")
    library = tmp_path / "pydoc.py"
    library.write_text(READS, encoding="utf-8")
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
