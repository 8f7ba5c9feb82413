from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pystatic_tasks import in_image
from pystatic_tasks.in_image.left_out import explain


@pytest.fixture(autouse=True)
def explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "keptx").mkdir()
    (tmp_path / "keptx/__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    explain(["lostx", "keptx.lost"])
    yield
    sys.modules.pop("keptx", None)


def test_a_module_that_was_left_out_is_missing_with_the_line_that_keeps_it() -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("lostx")
    assert (str(caught.value), caught.value.name) == (
        "No module named 'lostx': slim left it out; keep it by slim.keep = [\"lostx\"]",
        "lostx",
    )


def test_so_is_one_of_a_package_that_stays_however_it_is_imported() -> None:
    text = "No module named 'keptx.lost': slim left it out; keep it by slim.keep = [\"keptx.lost\"]"
    for statement in ("import keptx.lost", "from keptx import lost", "from keptx.lost import x"):
        with pytest.raises(ModuleNotFoundError) as caught:
            exec(statement)
        assert str(caught.value) == text


def test_who_only_asks_whether_it_is_there_is_told_no() -> None:
    assert importlib.util.find_spec("lostx") is None


def test_of_any_other_module_nothing_else_is_said() -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("neverx")
    assert str(caught.value) == "No module named 'neverx'"


ASKING = """
import unicodedata
for ask in (lambda: unicodedata.name("a", "none"), lambda: unicodedata.lookup("DIGIT ONE"),
            lambda: "é".encode("ascii", "namereplace")):
    try:
        print(ask())
    except RuntimeError as error:
        print(error)
"""


def test_names_of_characters_are_refused_with_the_line_that_keeps_them() -> None:
    source = Path(in_image.__file__).with_name("left_out.py").read_text(encoding="utf-8")
    code = f"{source}\nexplain(['unicodedata.names'])\n{ASKING}"
    said = subprocess.run([sys.executable, "-ISc", code], capture_output=True, text=True, check=True).stdout
    assert said == 3 * (
        "The names of characters are not in this program: slim left them out; "
        'keep them by slim.keep = ["unicodedata.names"]\n'
    )


@pytest.mark.parametrize("name", ["left_out.py", "stand_ins/ssl.py"])
def test_what_a_slim_program_gets_in_place_of_the_rest_imports_nothing_of_it(name: str) -> None:
    path = Path(in_image.__file__).parent / name
    code = f"import sys\nsys.path.clear()\nexec(compile({path.read_text(encoding='utf-8')!r}, 'x', 'exec'))"
    subprocess.run([sys.executable, "-IS", "-c", code], check=True)
