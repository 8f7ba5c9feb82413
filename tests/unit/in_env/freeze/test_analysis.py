from __future__ import annotations

import asyncio.base_events
import inspect
import py_compile
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import pytest

pytest.importorskip("PyInstaller", reason="PyInstaller is in build environments only")

from PyInstaller.lib.modulegraph import util
from PyInstaller.lib.modulegraph.modulegraph import ModuleGraph

from pystatic_tasks.in_env.freeze import analysis_cache, bytecode
from pystatic_tasks.in_env.freeze.analysis import importers, note_bytecode, wanted
from pystatic_tasks.in_env.freeze.imports import changed_names
from pystatic_tasks.in_env.protocol import Analysed, AnalysisInputs


def test_who_imports_a_module_is_known_from_the_graph(tmp_path: Path) -> None:
    """A package is not imported by what lies in it; what is not there is left out; "" is the entry script.

    The graph takes what a package is asked for by its name for something that the package imports.
    """
    files = {
        "main.py": "import shop.web",
        "shop/__init__.py": "import nowhere",
        "shop/web.py": "from shop import cart\nimport tool",
        "shop/cart.py": "import tool",
        "tool.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    graph = ModuleGraph([str(tmp_path)])
    graph.add_script(str(tmp_path / "main.py"))
    assert dict(importers(graph)) == {
        "shop.web": ("",),
        "shop.cart": ("shop", "shop.web"),
        "tool": ("shop.cart", "shop.web"),
    }


def noted(code: CodeType) -> Iterator[tuple[str, bool]]:
    """The same by modulegraph's own way through all instructions."""
    for each in util.iterate_instructions(code):
        if each and each.opname in ("STORE_NAME", "STORE_GLOBAL", "DELETE_NAME", "DELETE_GLOBAL"):
            yield each.argval, each.opname.startswith("STORE")


def many_names() -> str:
    """Source with more names than an argument of one byte can tell apart."""
    return "".join(f"name_{number} = {number}\ndel name_{number}\n" for number in range(1_000))


@pytest.mark.parametrize("source", [*map(inspect.getsource, (asyncio.base_events, typing, pytest)), many_names()])
def test_names_that_a_module_sets_and_deletes_are_found_without_disassembling(source: str) -> None:
    code = compile(source, "module", "exec")
    assert list(changed_names(code)) == list(noted(code)) != []


def test_a_module_without_source_is_scanned_for_imports_too(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import shop", encoding="utf-8")
    (tmp_path / "shop.py").write_text("import cart\nTOTAL = 3\nSUM = 4\ndel SUM", encoding="utf-8")
    (tmp_path / "cart.py").write_text("", encoding="utf-8")
    py_compile.compile(str(tmp_path / "shop.py"), cfile=str(tmp_path / "shop.pyc"))
    (tmp_path / "shop.py").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModuleGraph, "_scan_bytecode", note_bytecode)
        graph = ModuleGraph([str(tmp_path)])
        graph.add_script(str(tmp_path / "main.py"))
    assert dict(importers(graph)) == {"shop": ("",), "cart": ("shop",)}
    shop = graph.find_node("shop")
    assert (shop.is_global_attr("TOTAL"), shop.is_global_attr("SUM")) == (True, False)


def test_what_an_installer_noted_for_itself_is_left_out() -> None:
    kept = ("shop-1.0.dist-info/METADATA", "/x/METADATA", "DATA")
    assert wanted([("shop-1.0.dist-info/RECORD", "/x/RECORD", "DATA"), kept]) == [kept]


def test_bytecode_beside_its_source_is_left_out_and_any_other_is_data() -> None:
    kept = ("plugins/old.pyc", "/x/plugins/old.pyc", "DATA")
    beside = "plugins/__pycache__/new.cpython-312.pyc"
    assert wanted([(beside, f"/x/{beside}", "DATA"), kept]) == [kept]


@dataclass(frozen=True)
class Shop:
    """A script and its modules in a folder, and what PyInstaller found."""

    folder: Path
    analysed: Analysed


FILES = {
    "main.py": "import shop.plots, shop.draw, space.within, orjson_of_tomorrow, importlib_metadata",
    "shop/__init__.py": "from shop import faster\n\n\ndef load():\n    import wave\n",
    "shop/plots.py": "",
    "shop/draw.py": "",
    "space/within/planet.py": "",
    "hooks/hook-shop.plots.py": (
        "def hook(hook_api):\n    hook_api.analysis.graph.get_code_using(module='shop.draw')\n"
    ),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Analysed once, since it takes seconds."""
    folder = tmp_path_factory.mktemp("analysis")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    asked = AnalysisInputs(
        entry=str(folder / "main.py"),
        import_paths=(str(folder),),
        binaries=(),
        datas=(),
        hidden_imports=("plugin_of_tomorrow",),
        hooks=(str(folder / "hooks"),),
        excludes=("setuptools",),
        optimize=1,
        form="tree",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYINSTALLER_CONFIG_DIR", str(folder / "cache"))
        yield Shop(folder, analysis_cache.analyse(folder / "kept", asked))


def test_an_analysis_leaves_all_bytecode_of_a_tree_to_us(shop: Shop) -> None:
    made = analysis_cache.made_in(shop.folder / "kept")
    files = [path for path in (made / "localpycs").rglob("*") if path.is_file()]
    assert made / "localpycs/1/wave.pyc" in files
    assert not any(path.read_bytes() for path in files)
    with bytecode.compiled_again(shop.analysed.loose, made, {shop.folder / "shop/__init__.py"}, 1):
        pass
    assert all(path.read_bytes() for path in files)


def test_an_analysis_leaves_out_what_an_excluded_package_would_bring(shop: Shop) -> None:
    assert not [name for name in shop.analysed.imported_by if name.startswith("setuptools")]


def test_an_analysis_notes_where_it_looked_for_modules(shop: Shop) -> None:
    places = {name: place for each in shop.analysed.lookups for name, place in each.places.items()}
    assert places["shop"] == str(shop.folder / "shop/__init__.py")
    assert (places["space"], places["space.within"]) == (str(shop.folder / "space"), str(shop.folder / "space/within"))
    vain = {"shop.faster", "orjson_of_tomorrow", "plugin_of_tomorrow"}
    assert {name for name in vain if places[name] == ""} == vain
    folders = {name: each.folders for each in shop.analysed.lookups for name in each.places}
    assert folders["shop.faster"] == (str(shop.folder / "shop"),)


def test_an_analysis_notes_who_imports_a_module_in_a_function_too(shop: Shop) -> None:
    assert shop.analysed.imported_by["wave"] == ("shop",)


def test_an_analysis_notes_what_pyinstaller_and_hooks_search_and_which_modules_have_hooks(shop: Shop) -> None:
    searched = {"ctypes", "importlib.metadata", "importlib_metadata", "pkg_resources", "shop.draw"}
    assert searched <= set(shop.analysed.searched)
    assert [name for name in shop.analysed.hooked if name.startswith("shop")] == ["shop.plots"]
