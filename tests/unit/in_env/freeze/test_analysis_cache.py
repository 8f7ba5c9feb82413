from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support import install_distribution, tool_or_skip

from pystatic_tasks.in_env.freeze import analysis_cache, in_pyinstaller
from pystatic_tasks.in_env.freeze.lookups import place_of
from pystatic_tasks.in_env.protocol import Analysed, AnalysisInputs, Lookup

pytestmark = pytest.mark.usefixtures("nothing_installed")
Install = Callable[..., None]
NOTHING = AnalysisInputs(
    entry="",
    import_paths=(),
    binaries=(),
    datas=(),
    hidden_imports=(),
    hooks=(),
    excludes=(),
    optimize=0,
    form="archive",
)
EMPTY = Analysed(scripts=(), pure=(), loose=(), binaries=(), datas=())
BASIS = analysis_cache.Basis("key", {})


def key_of(asked: Any, own: Mapping[str, Path], *, analysed: Analysed = EMPTY) -> str:
    return analysis_cache.basis_of(asked, own).key(analysed)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    return tmp_path / "site-packages"


@pytest.fixture
def install(site: Path) -> Install:
    """Installs a distribution with these files, from a folder or elsewhere."""
    return partial(install_distribution, site)


@pytest.fixture
def analysed(tmp_path: Path) -> Analysed:
    for name in ("made/base.zip", "lib.so", "shop.py", "os.py", "entry.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    return Analysed(
        scripts=(("entry", str(tmp_path / "entry.py"), "PYSOURCE"),),
        pure=(("shop", str(tmp_path / "shop.py"), "PYMODULE"), ("space", "-", "PYMODULE")),
        loose=(("os", str(tmp_path / "os.py"), "PYMODULE"),),
        binaries=(("lib.so", str(tmp_path / "lib.so"), "BINARY"), ("l.so", "lib.so", "SYMLINK")),
        datas=(("base.zip", str(tmp_path / "made/base.zip"), "DATA"),),
    )


def test_the_projects_files_are_those_installed_from_folders_and_those_imported_from_where_they_are(
    install: Install, site: Path, tmp_path: Path
) -> None:
    noted = "shop-1.0.dist-info/uv_cache.json"
    compiled = "shop/__pycache__/__init__.cpython-313.pyc"
    install("shop", "shop/__init__.py", "shop/data.txt", "shop/bare.pyc", compiled, noted, origin="file:///shop")
    install("falcon", "falcon/__init__.py")
    loose = tmp_path / "src" / "more.py"
    loose.parent.mkdir()
    loose.touch()
    found = analysis_cache.own_files([str(loose.parent), str(tmp_path)], [str(loose)])
    assert found["shop/__init__.py"] == site / "shop/__init__.py"
    assert {"shop/data.txt", "shop/bare.pyc"} < found.keys()
    assert found["more.py"] == loose
    assert not {"falcon/__init__.py", compiled, noted} & found.keys()


def test_the_key_follows_where_modules_are_found(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of({}, {})
    # As a .pth file among the packages adds it.
    monkeypatch.syspath_prepend("/srv/generated")
    assert key_of({}, {}) != key


def test_the_key_follows_what_decides_an_analysis(install: Install, site: Path) -> None:
    install("shop", "shop.py", origin="file:///shop")
    install("falcon", "falcon.py")
    (site / "shop.py").write_text("import json\nX = 1\n", encoding="utf-8")
    own = {"shop.py": site / "shop.py"}
    key = key_of({"optimize": 2}, own)
    assert key == key_of({"optimize": 2}, own)
    assert key != key_of({"optimize": 1}, own)
    assert key != key_of({"optimize": 2}, {**own, "more.txt": site / "more.txt"})
    (site / "shop.py").write_text("import json\nX = 2\n", encoding="utf-8")
    assert key == key_of({"optimize": 2}, own)
    (site / "shop.py").write_text("import csv\nX = 2\n", encoding="utf-8")
    assert key != key_of({"optimize": 2}, own)
    (site / "shop.py").write_text("import json\nX = 2\n", encoding="utf-8")
    record = next(site.glob("falcon-*/RECORD"))
    record.write_text(record.read_text(encoding="utf-8") + "falcon/new.py,sha256=x,0\n", encoding="utf-8")
    assert key != key_of({"optimize": 2}, own)


def test_the_key_follows_modules_without_sources(site: Path) -> None:
    site.mkdir()
    module, found = site / "bare.pyc", []
    for content in (b"imports csv", b"imports json"):
        module.write_bytes(content)
        found.append(key_of({}, {"bare.pyc": module}))
    assert found[0] != found[1]


@pytest.mark.parametrize("name", ["fast.py", "fast.pyi"])
def test_the_key_follows_imports_in_sources_and_in_stubs_of_extension_modules(site: Path, name: str) -> None:
    site.mkdir()
    found = []
    for content in ("import csv", "import json"):
        (site / name).write_text(content, encoding="utf-8")
        found.append(key_of({}, {f"shop/{name}": site / name}))
    assert found[0] != found[1]


@pytest.mark.parametrize("name", ["entry_points.txt", "namespace_packages.txt", "METADATA"])
def test_the_key_follows_what_hooks_read_of_the_projects_metadata(install: Install, site: Path, name: str) -> None:
    install("shop", origin="file:///shop", requires=["falcon"])
    path, found = next(site.glob("shop-*")) / name, [key_of({}, {})]
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(f"{before}\nMore about it.\n", encoding="utf-8")
    found.append(key_of({}, {}))
    # The description does not matter.
    assert (found[0] == found[1]) is (name == "METADATA")
    path.write_text(before.replace("falcon", "flask") or "[sqlalchemy.dialects]\nx = shop:X\n", encoding="utf-8")
    assert key_of({}, {}) not in found


def test_the_key_follows_all_of_modules_that_the_analysis_searched(site: Path) -> None:
    site.mkdir()
    searched, own = replace(EMPTY, searched=("matplotlib",)), {"shop/web.py": site / "web.py"}
    plain, found = [], []
    for backend in ("svg", "pdf"):
        (site / "web.py").write_text(f"import matplotlib\nmatplotlib.use({backend!r})\n", encoding="utf-8")
        plain.append(key_of({}, own))
        found.append(key_of({}, own, analysed=searched))
    assert plain[0] == plain[1]
    assert found[0] != found[1]


@pytest.mark.parametrize("name", ["hook-csv.py", "names.txt"])
@pytest.mark.parametrize(("origin", "counts"), [("file:///shop", True), ("https://pypi.example/shop.whl", False)])
def test_the_key_follows_all_that_hooks_of_the_project_may_read(
    install: Install, site: Path, name: str, origin: str, *, counts: bool
) -> None:
    install("shop", name, origin=origin)
    entry_points = next(site.glob("shop-*.dist-info")) / "entry_points.txt"
    entry_points.write_text("[pyinstaller40]\nhook-dirs = shop:folders\n", encoding="utf-8")
    found = []
    for content in ("hiddenimports = ['csv']", "hiddenimports = ['json']"):
        (site / name).write_text(content, encoding="utf-8")
        found.append(key_of({}, {name: site / name}))
    assert (found[0] != found[1]) is counts


def test_the_key_follows_what_binaries_of_the_project_ask_for(site: Path) -> None:
    site.mkdir()
    content = Path(sys.executable).resolve().read_bytes()
    binary, found = site / "fast.so", []
    # The same but for its end; asking for another library; no ELF file any more; damaged.
    for each in (content, content + b"x", asking_for_another(content), b"text", content[:100], content[:101]):
        binary.write_bytes(each)
        found.append(key_of({}, {"fast.so": binary}))
    assert found[0] == found[1]
    assert len(set(found)) == len(found) - 1


def test_the_key_follows_where_what_binaries_of_the_project_ask_for_is_found(site: Path, tmp_path: Path) -> None:
    binary = site / "fast.so"
    site.mkdir()
    compiler = [tool_or_skip("gcc"), "-shared", "-fPIC", f"-Wl,--no-as-needed,-rpath,$ORIGIN:{tmp_path}/lib"]
    subprocess.run([*compiler, "-xc", "/dev/null", "-o", binary], check=True, timeout=20)
    places = (str(site / "libc.so.6"), str(tmp_path / "lib/libc.so.6"))
    assert analysis_cache.looked_for({"fast.so": binary, "fast.py": site / "fast.py"}) == tuple(sorted(places))
    before = key_of({}, {"fast.so": binary})
    Path(places[0]).touch()
    assert key_of({}, {"fast.so": binary}) != before


def test_where_the_loader_looks_for_what_a_damaged_binary_asks_for_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "fast.so").write_bytes(Path(sys.executable).read_bytes()[:100])
    assert analysis_cache.looked_for({"fast.so": tmp_path / "fast.so"}) == ()


def asking_for_another(program: bytes) -> bytes:
    """A program with the name of the C library changed."""
    return program.replace(b"\0libc.so.6\0", b"\0libx.so.6\0")


def test_an_analysis_is_loaded_as_it_was_kept(analysed: Analysed, tmp_path: Path) -> None:
    analysis_cache.save(tmp_path, BASIS, analysed, [])
    assert analysis_cache.load(tmp_path, BASIS) == analysed
    assert analysis_cache.load(tmp_path, analysis_cache.Basis("other", {})) is None


@pytest.mark.parametrize("content", [None, "", "{}", '{"key": "key"}', "[]", '{"key": "key", "stamps": {}}'])
def test_what_is_not_whole_is_not_kept(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / in_pyinstaller.ANALYSIS).write_text(content, encoding="utf-8")
    assert analysis_cache.load(tmp_path, BASIS) is None


@pytest.mark.parametrize("name", ["lib.so", "shop.py", "os.py"])
@pytest.mark.parametrize("change", [Path.unlink, Path.touch, lambda path: path.write_text("more")])
def test_an_analysis_ends_with_a_file_that_it_is_made_from(
    analysed: Analysed, tmp_path: Path, name: str, change: Callable[[Path], object]
) -> None:
    os.utime(tmp_path / name, ns=(0, 0))
    analysis_cache.save(tmp_path, BASIS, analysed, [])
    change(tmp_path / name)
    assert analysis_cache.load(tmp_path, BASIS) is None


def test_an_analysis_ends_with_modules_of_the_project_that_it_searched(analysed: Analysed, tmp_path: Path) -> None:
    def basis(source: str) -> analysis_cache.Basis:
        (tmp_path / "plots.py").write_text(f"import matplotlib\n{source}\n", encoding="utf-8")
        return analysis_cache.basis_of({}, {"plots.py": tmp_path / "plots.py"})

    searched = replace(analysed, searched=("matplotlib",))
    analysis_cache.save(tmp_path, basis("use('svg')"), searched, [])
    assert analysis_cache.load(tmp_path, basis("use('svg')")) == searched
    assert analysis_cache.load(tmp_path, basis("use('pdf')")) is None


@pytest.mark.parametrize(
    ("place", "ends"),
    [
        ("there/fast.py", True),
        ("there/fast/more.py", True),
        ("there/shop.py", True),
        ("there/space/more.txt", True),
        ("after/shop.py", False),
        ("after/fast.txt", False),
        ("there/other.py", False),
        ("shop/faster.py", True),
    ],
)
def test_an_analysis_ends_with_a_module_that_is_found_elsewhere(tmp_path: Path, place: str, *, ends: bool) -> None:
    folders = tuple(str(tmp_path / name) for name in ("missing", "there", "site", "after"))
    for path in ("site/shop/__init__.py", "site/space/more.txt", "there/x.py", "after/x.py", "shop/x.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    names = ("fast", "shop", "space")
    lookups = (
        Lookup(folders=folders, places={name: place_of(name, folders) for name in names}),
        Lookup(folders=(str(tmp_path / "shop"),), places={"shop.faster": ""}),
    )
    analysed = replace(EMPTY, lookups=lookups)
    analysis_cache.save(tmp_path, BASIS, analysed, [])
    assert analysis_cache.load(tmp_path, BASIS) == analysed
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).touch()
    assert (analysis_cache.load(tmp_path, BASIS) is None) is ends


def test_files_that_may_change_do_not_end_it(analysed: Analysed, tmp_path: Path) -> None:
    analysis_cache.save(tmp_path, BASIS, analysed, [tmp_path / "shop.py", tmp_path / "made"])
    for name in ("shop.py", "made/base.zip"):
        (tmp_path / name).write_text("changed", encoding="utf-8")
    assert analysis_cache.load(tmp_path, BASIS) == analysed
    assert set(json.loads((tmp_path / in_pyinstaller.ANALYSIS).read_text(encoding="utf-8"))["stamps"]) == {
        str(tmp_path / "entry.py"),
        str(tmp_path / "lib.so"),
        str(tmp_path / "os.py"),
    }


def test_an_analysis_is_another_process_of_pyinstaller_whose_failure_is_ours(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_pyinstaller, "SPEC", tmp_path / "analysis.spec")
    (tmp_path / "analysis.spec").write_text("raise SystemExit('nothing found')\n", encoding="utf-8")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "old").touch()
    with pytest.raises(SystemExit) as caught:
        analysis_cache.analyse(tmp_path / "kept", NOTHING)
    assert caught.value.code == 1
    assert "nothing found" in capfd.readouterr().err
    assert not (tmp_path / "kept" / "old").exists()
