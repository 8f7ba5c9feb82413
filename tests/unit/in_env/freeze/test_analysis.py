from __future__ import annotations

import asyncio.base_events
import inspect
import py_compile
import typing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import CodeType

import pytest

pytest.importorskip("PyInstaller", reason="PyInstaller is in build environments only")

from PyInstaller.lib.modulegraph import util
from PyInstaller.lib.modulegraph.modulegraph import ModuleGraph

from pystatic_tasks.in_env.freeze import analysis_cache, bytecode
from pystatic_tasks.in_env.freeze.analysis import importers, note_bytecode, wanted
from pystatic_tasks.in_env.freeze.imports import changed_names
from pystatic_tasks.in_env.protocol import AnalysisInputs


def inputs_of(entry: Path) -> AnalysisInputs:
    """What is asked of a script that imports from its own folder."""
    return AnalysisInputs(
        entry=str(entry),
        import_paths=(str(entry.parent),),
        binaries=(),
        datas=(),
        hidden_imports=(),
        hooks=(),
        excludes=("setuptools",),
        optimize=0,
        form="archive",
    )


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


def test_an_analysis_leaves_all_bytecode_of_a_tree_to_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYINSTALLER_CONFIG_DIR", str(tmp_path / "cache"))
    shop, entry = tmp_path / "shop.py", tmp_path / "main.py"
    shop.write_text("def load():\n    import wave\n", encoding="utf-8")
    entry.write_text("import shop, importlib_metadata", encoding="utf-8")
    analysed = analysis_cache.analyse(tmp_path / "kept", replace(inputs_of(entry), optimize=1, form="tree"))
    assert analysed.imported_by["wave"] == ("shop",)
    # What PyInstaller itself searches modules for.
    assert {"ctypes", "importlib.metadata", "importlib_metadata", "pkg_resources"} <= set(analysed.searched)
    made = analysis_cache.made_in(tmp_path / "kept")
    files = [path for path in (made / "localpycs").rglob("*") if path.is_file()]
    assert made / "localpycs/1/wave.pyc" in files
    assert not any(path.read_bytes() for path in files)
    with bytecode.compiled_again(analysed.loose, made, {shop}, 1):
        pass
    assert all(path.read_bytes() for path in files)
    # What setuptools would bring is left out with it.
    assert "setuptools-vendored" not in capfd.readouterr().err


def test_an_analysis_notes_where_it_looked_for_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYINSTALLER_CONFIG_DIR", str(tmp_path / "cache"))
    entry, package, portion = tmp_path / "main.py", tmp_path / "shop", tmp_path / "space/within"
    for folder in (package, portion):
        folder.mkdir(parents=True)
    (package / "__init__.py").write_text("from shop import faster", encoding="utf-8")
    entry.write_text("import shop, space.within, orjson_of_tomorrow", encoding="utf-8")
    asked = replace(inputs_of(entry), hidden_imports=("plugin_of_tomorrow",))
    analysed = analysis_cache.analyse(tmp_path / "kept", asked)
    places = {name: place for each in analysed.lookups for name, place in each.places.items()}
    assert places["shop"] == str(package / "__init__.py")
    assert (places["space"], places["space.within"]) == (str(portion.parent), str(portion))
    vain = {"shop.faster", "orjson_of_tomorrow", "plugin_of_tomorrow"}
    assert {name for name in vain if places[name] == ""} == vain
    assert {name: each.folders for each in analysed.lookups for name in each.places}["shop.faster"] == (str(package),)


def test_an_analysis_notes_what_hooks_search_and_which_modules_have_hooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYINSTALLER_CONFIG_DIR", str(tmp_path / "cache"))
    hooks, entry = tmp_path / "hooks", tmp_path / "main.py"
    hooks.mkdir()
    (hooks / "hook-shop.plots.py").write_text(
        "def hook(hook_api):\n    hook_api.analysis.graph.get_code_using(module='shop.draw')\n", encoding="utf-8"
    )
    for name in ("shop/__init__.py", "shop/plots.py", "shop/draw.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    entry.write_text("import shop.plots, shop.draw", encoding="utf-8")
    analysed = analysis_cache.analyse(tmp_path / "kept", replace(inputs_of(entry), hooks=(str(hooks),)))
    assert "shop.draw" in analysed.searched
    assert [name for name in analysed.hooked if name.startswith("shop")] == ["shop.plots"]
