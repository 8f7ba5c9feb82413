from __future__ import annotations

import marshal
import zipfile
from pathlib import Path
from types import CodeType

import pytest

from pystatic_tasks.in_env.freeze import bytecode

Modules = list[tuple[str, str, str]]


@pytest.fixture
def modules(tmp_path: Path) -> Modules:
    """A package with a module, and a folder without code."""
    files = {"shop": "shop/__init__.py", "shop.web": "shop/web.py"}
    for name, file in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(f'"""Text."""\nNAME = "{name}"\n', encoding="utf-8")
    return [*((name, str(tmp_path / file), "PYMODULE") for name, file in files.items()), ("space", "-", "PYMODULE")]


def code_of(content: bytes) -> CodeType:
    code: CodeType = marshal.loads(content[16:])
    return code


def test_what_the_analysis_compiled_is_compiled_anew_and_nothing_else_is(modules: Modules, tmp_path: Path) -> None:
    made = tmp_path / "made"
    old = made / "localpycs" / "2" / "shop" / "web.pyc"
    old.parent.mkdir(parents=True)
    old.touch()
    with bytecode.compiled_again(modules, made, set(), 2):
        pass
    assert [path for path in (made / "localpycs").rglob("*") if path.is_file()] == [old]
    code = code_of(old.read_bytes())
    assert code.co_filename == "shop/web.py"
    assert "shop.web" in code.co_consts
    assert "Text." not in code.co_consts


def test_modules_may_keep_their_docstrings_where_others_lose_them(modules: Modules, tmp_path: Path) -> None:
    for path in ("shop/__init__.pyc", "shop/web.pyc"):
        (tmp_path / "localpycs/2" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "localpycs/2" / path).touch()
    with bytecode.compiled_again(modules, tmp_path, set(), 2, {"shop.web"}):
        pass
    codes = [code_of((tmp_path / "localpycs/2/shop" / name).read_bytes()) for name in ("__init__.pyc", "web.pyc")]
    assert ["Text." in code.co_consts for code in codes] == [False, True]


@pytest.mark.parametrize(("optimize", "documented"), [(0, True), (2, False)])
def test_so_is_the_library_that_python_starts_with(
    modules: Modules, tmp_path: Path, optimize: int, documented: bool
) -> None:
    with zipfile.ZipFile(tmp_path / "base_library.zip", "w") as library:
        library.writestr("shop/__init__.pyc", b"old")
    with bytecode.compiled_again(modules, tmp_path, set(), optimize):
        pass
    with zipfile.ZipFile(tmp_path / "base_library.zip") as library:
        assert library.namelist() == ["shop/__init__.pyc"]
        assert ("Text." in code_of(library.read("shop/__init__.pyc")).co_consts) is documented


def test_a_change_in_the_project_changes_no_other_module(modules: Modules, tmp_path: Path) -> None:
    for path in ("shop/__init__.pyc", "shop/web.pyc"):
        (tmp_path / "localpycs/1" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "localpycs/1" / path).touch()
    own = tmp_path / "shop/web.py"
    contents = []
    for number in (1, 2):
        own.write_text(f"NUMBER = {number}\n", encoding="utf-8")
        with bytecode.compiled_again(modules, tmp_path, {own}, 1):
            pass
        contents.append([(tmp_path / "localpycs/1/shop" / name).read_bytes() for name in ("__init__.pyc", "web.pyc")])
    assert contents[0][0] == contents[1][0]
    assert contents[0][1] != contents[1][1]


def test_what_did_not_change_is_not_compiled_again(modules: Modules, tmp_path: Path) -> None:
    compiled = [tmp_path / "localpycs/1" / path for path in ("shop/__init__.pyc", "shop/web.pyc")]
    for path in compiled:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    own = tmp_path / "shop/web.py"
    with bytecode.compiled_again(modules, tmp_path, {own}, 1):
        pass
    for path in compiled:
        path.write_bytes(b"kept")
    with bytecode.compiled_again(modules, tmp_path, {own}, 1):
        pass
    assert [path.read_bytes() == b"kept" for path in compiled] == [True, False]
    (tmp_path / "shop/__init__.py").write_text("NAME = 1\n", encoding="utf-8")
    with bytecode.compiled_again(modules, tmp_path, {own}, 1):
        pass
    assert compiled[0].read_bytes() != b"kept"


def test_what_cannot_be_compiled_is_not_kept(modules: Modules, tmp_path: Path) -> None:
    compiled = tmp_path / "localpycs/1/shop/web.pyc"
    compiled.parent.mkdir(parents=True)
    compiled.touch()
    (tmp_path / "shop/web.py").write_text("?", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(SystemExit), bytecode.compiled_again(modules, tmp_path, set(), 1):
            pass


@pytest.mark.parametrize("file", ["shop/__init__.py", "shop/web.py", "shop/of__init__.py"])
def test_what_is_left_to_us_lies_where_it_is_compiled(tmp_path: Path, file: str) -> None:
    source = tmp_path / file
    source.parent.mkdir()
    source.write_text("NAME = 1\n", encoding="utf-8")
    name = file.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
    made = tmp_path / "made"
    left = Path(bytecode.leave_to_us(name, str(source), str(made / "localpycs/1"), 1))
    assert left.read_bytes() == b""
    with bytecode.compiled_again([(name, str(source), "PYMODULE")], made, set(), 1):
        pass
    assert code_of(left.read_bytes()).co_names == ("NAME",)
