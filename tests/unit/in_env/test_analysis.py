from __future__ import annotations

import asyncio.base_events
import dis
import typing
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("PyInstaller", reason="PyInstaller is in build environments only")

from PyInstaller.lib.modulegraph import util
from PyInstaller.lib.modulegraph.modulegraph import ModuleGraph

from pystatic_tasks.in_env import analysis_cache, bytecode
from pystatic_tasks.in_env.analysis import NOTED, importers, noted_instructions, wanted
from pystatic_tasks.in_env.protocol import AnalysisInputs


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


def seen(instructions: Iterable[dis.Instruction | None]) -> list[list[tuple[str, str]]]:
    """What modulegraph notes; of an import with the two instructions before it, which it looks at."""
    known = [(each.opname, repr(each.argval)) for each in instructions if each]
    first = [number - 2 if name == "IMPORT_NAME" else number for number, (name, _) in enumerate(known)]
    return [known[first[number] : number + 1] for number, (name, _) in enumerate(known) if dis.opmap[name] in NOTED]


@pytest.mark.parametrize("module", [asyncio.base_events, typing, pytest])
def test_all_that_is_noted_of_a_module_is_seen(module: ModuleType) -> None:
    code = compile(Path(str(module.__file__)).read_text(encoding="utf-8"), "module", "exec")
    every, some = list(util.iterate_instructions(code)), list(noted_instructions(code))
    assert seen(some) == seen(every)
    assert 0 < len(some) < len(every)


def test_what_an_installer_noted_for_itself_is_left_out() -> None:
    kept = ("shop-1.0.dist-info/METADATA", "/x/METADATA", "DATA")
    assert wanted([("shop-1.0.dist-info/RECORD", "/x/RECORD", "DATA"), kept]) == [kept]


def test_bytecode_beside_its_source_is_left_out_and_any_other_is_data() -> None:
    kept = ("plugins/old.pyc", "/x/plugins/old.pyc", "DATA")
    beside = "plugins/__pycache__/new.cpython-312.pyc"
    assert wanted([(beside, f"/x/{beside}", "DATA"), kept]) == [kept]


def test_an_analysis_leaves_all_bytecode_of_a_tree_to_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYINSTALLER_CONFIG_DIR", str(tmp_path / "cache"))
    shop, entry = tmp_path / "shop.py", tmp_path / "main.py"
    shop.write_text("def load():\n    import wave\n", encoding="utf-8")
    entry.write_text("import shop", encoding="utf-8")
    inputs = AnalysisInputs(
        entry=str(entry),
        import_paths=(str(tmp_path),),
        binaries=(),
        datas=(),
        hidden_imports=(),
        hooks=(),
        excludes=(),
        optimize=1,
        form="tree",
    )
    analysed = analysis_cache.analyse(tmp_path / "kept", inputs)
    assert analysed.imported_by["wave"] == ("shop",)
    made = analysis_cache.made_in(tmp_path / "kept")
    files = [path for path in (made / "localpycs").rglob("*") if path.is_file()]
    assert made / "localpycs/1/wave.pyc" in files
    assert not any(path.read_bytes() for path in files)
    with bytecode.compiled_again(analysed.loose, made, {shop}, 1):
        pass
    assert all(path.read_bytes() for path in files)
