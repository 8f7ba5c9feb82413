from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("elftools", reason="pyelftools is not installed")
pytest.importorskip("PyInstaller", reason="PyInstaller is in build environments only")

from pystatic_tasks.in_env.freeze.docstrings import PROJECT as OF_PROJECT
from pystatic_tasks.in_env.freeze.program import (
    analysis_inputs,
    data_of,
    documented_modules,
    links,
    names_inside,
    own_packages,
    placed_files,
    with_docstrings,
)
from pystatic_tasks.in_env.freeze.tree import PREFIX, VERSION
from pystatic_tasks.in_env.protocol import Analysed, Component, Own, Placed, Program, TreeFile

PROJECT = Component(kind="project", type="generic", name="shop")
SHOP = Program(
    name="shop",
    form="tree",
    is_packed=False,
    work="/work",
    kept="/kept",
    entry="/build/shop-entry.py",
    is_script=False,
    title="shop-entry.py",
    import_paths=("/work",),
    hidden_imports=("shop.plugins",),
    excludes=("tkinter",),
    data=(("/shop/page.html", "shop"),),
    collect=(),
    hooks=("/hooks",),
    libraries=(),
    left_out=(),
    tls=True,
    loose=(),
    editable="",
    made_by=(),
    own=Own(project=PROJECT, runner=PROJECT, folder="/shop"),
    optimize=2,
    strip=True,
)


def test_the_analysis_is_asked_for_what_the_program_needs() -> None:
    inputs = analysis_inputs(SHOP)
    assert (inputs.entry, inputs.form, inputs.optimize) == ("/build/shop-entry.py", "tree", 2)
    assert (inputs.datas, inputs.binaries) == ((("/shop/page.html", "shop"),), ())
    assert (inputs.hidden_imports, inputs.excludes) == (("shop.plugins", "fcntl"), ("tkinter", "test"))


def test_the_tests_of_python_are_left_out_unless_they_are_used(tmp_path: Path) -> None:
    assert analysis_inputs(replace(SHOP, hidden_imports=("test.support",))).excludes == ("tkinter",)
    assert analysis_inputs(replace(SHOP, hidden_imports=("tests.support", "testing"))).excludes == ("tkinter", "test")
    (tmp_path / "test").mkdir()
    (tmp_path / "test/__init__.py").touch()
    assert analysis_inputs(replace(SHOP, import_paths=(str(tmp_path),))).excludes == ("tkinter",)


def test_packages_that_are_taken_whole_bring_their_modules_and_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ("__init__.py", "web.py", "page.html", "skeleton/settings.py", "in/__init__.py", "in/deep.py", "in/web.txt")
    for file in files:
        (tmp_path / "wholex" / file).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / "wholex" / file).touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    inputs = analysis_inputs(replace(SHOP, collect=("wholex",)))
    modules = {"wholex", "wholex.in", "wholex.in.deep", "wholex.web"}
    assert set(inputs.hidden_imports) == {"shop.plugins", "fcntl", *modules}
    # No sources of modules; what looks like one and can be imported from nowhere is a skeleton that somebody reads.
    assert sorted(inputs.datas) == [
        ("/shop/page.html", "shop"),
        (f"{tmp_path}/wholex/in/web.txt", "wholex/in"),
        (f"{tmp_path}/wholex/page.html", "wholex"),
        (f"{tmp_path}/wholex/skeleton/settings.py", "wholex/skeleton"),
    ]


def test_docstrings_are_kept_by_the_type_codes_of_modules_and_scripts() -> None:
    entries = [("shop", "/shop.py", "PYMODULE-2"), ("json", "/json.py", "PYMODULE-2"), ("x", "/x.py", "PYSOURCE-2")]
    assert with_docstrings(entries, {"shop", "x"}) == [
        ("shop", "/shop.py", "PYMODULE-1"),
        ("json", "/json.py", "PYMODULE-2"),
        ("x", "/x.py", "PYSOURCE-1"),
    ]


@pytest.mark.parametrize(
    ("optimize", "is_script", "kept"),
    [
        (2, False, {"shop-entry", "tool", "helper"}),
        (2, True, {"shop-entry", "helper"}),
        (1, False, set()),
        (0, False, set()),
    ],
)
def test_docstrings_are_looked_for_where_they_would_be_lost(
    tmp_path: Path, optimize: int, is_script: bool, kept: set[str]
) -> None:
    """Those of the target, of the project and of who reads them; where the target is a script, not what it imports."""
    sources = {"shop-entry": "import tool\n", "tool": "'Text.'\n", "helper": "print(__doc__)\n"}
    for name, text in sources.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    entries = {name: (name, str(tmp_path / f"{name}.py"), "PYMODULE-2") for name in sources}
    pure = (entries["tool"], entries["helper"])
    analysed = Analysed(scripts=(entries["shop-entry"],), pure=pure, loose=(), binaries=(), datas=())
    owners = {source: OF_PROJECT if name == "shop-entry" else name for name, source, _ in entries.values()}
    program = replace(SHOP, entry=entries["shop-entry"][1], optimize=optimize, is_script=is_script)
    assert documented_modules(program, analysed, owners) == kept


def test_a_folder_of_data_counts_by_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").touch()
    assert names_inside([(str(tmp_path), "."), ("/nowhere", ".")]) == [[f"{tmp_path}/a", f"{tmp_path}/a/x.txt"], []]


def test_the_projects_packages_are_the_tops_of_its_modules() -> None:
    files = ["shop/__init__.py", "shop/web.py", "plugin.py", "page/index.html", "pystatic_runner/server.py"]
    assert own_packages(files) == ("plugin", "shop")


def test_links_among_data_and_own_files_are_known_by_where_they_lead(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.txt").touch()
    for name in ("data/b.txt", "c.txt", "d.py"):
        (tmp_path / name).symlink_to("a.txt")
    inputs = analysis_inputs(replace(SHOP, data=((f"{tmp_path}/data", "."), (f"{tmp_path}/c.txt", "."))))
    own = {name: tmp_path / name for name in ("d.py", "data/a.txt")}
    assert links(inputs, own) == {f"{tmp_path}/{name}": "a.txt" for name in ("data/b.txt", "c.txt", "d.py")}


def test_all_data_is_told_whoever_asked_for_it_and_no_module() -> None:
    datas = (
        ("shop.egg-info/PKG-INFO", "/shop/shop.egg-info/PKG-INFO", "DATA"),
        ("page.html", "/shop/page.html", "DATA"),
        ("shop/web.pyc", "/kept/web.pyc", "DATA"),
        ("shop/web.py", "/shop/web.py", "DATA"),
        ("shop/skeleton.py", "/shop/skeleton.py", "DATA"),
        ("shop/secrets.h", "/shop/secrets.h", "DATA"),
        ("index.html", "page.html", "SYMLINK"),
    )
    modules = (("shop.web", "/shop/web.py", "PYMODULE"),)
    analysed = Analysed(scripts=(), pure=(), loose=modules, binaries=(), datas=datas)
    assert data_of(analysed) == (
        ("/shop/shop.egg-info/PKG-INFO", "shop.egg-info"),
        ("/shop/page.html", "."),
        ("/shop/skeleton.py", "shop"),
        ("/shop/secrets.h", "shop"),
    )


def test_the_files_of_a_tree_are_told_by_where_they_lie_in_the_image(tmp_path: Path) -> None:
    """In the one file there is no script: the launcher starts the program."""
    packages = f"{PREFIX}/lib/{VERSION}/site-packages"
    for path, size in (("shop", 5), (f"{packages}/shop/web.pyc", 7)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x" * size)
    (tmp_path / "link").symlink_to("shop")
    files = [
        TreeFile(path="/shop", owner="project"),
        TreeFile(path=f"/{packages}/shop/web.pyc", owner="project"),
        TreeFile(path="/link", owner="python"),
    ]
    own = f"/{packages}/shop/web.pyc"
    assert list(placed_files(replace(SHOP, is_packed=False), tmp_path, files)) == [
        Placed(location="/shop", size_bytes=5, layer="project", path="/shop"),
        Placed(location=own, size_bytes=7, layer="project", path=own),
        Placed(location="/link", size_bytes=0, layer="python", path="/link"),
    ]
    inside = f"/shop!/lib/{VERSION}/site-packages/shop/web.pyc"
    packed = list(placed_files(replace(SHOP, is_packed=True), tmp_path, files))
    assert packed[0] == Placed(location=inside, size_bytes=7, layer="project", path=own)
    assert [each.path for each in packed] == [own, "/link"]
