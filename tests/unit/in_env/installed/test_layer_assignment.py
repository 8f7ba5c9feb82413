from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.in_env.installed import layer_assignment

pytestmark = pytest.mark.usefixtures("nothing_installed")
STDLIB = Path(sysconfig.get_path("stdlib")).name
LIBRARY = "usr/local/lib/python3"
PACKAGES = f"{LIBRARY}/site-packages"
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a distribution with these files, from a folder or elsewhere."""
    site = tmp_path / "site-packages"
    monkeypatch.syspath_prepend(site)
    return partial(install_distribution, site)


def assert_owners(root: Path, expected: dict[str, str]) -> None:
    """That the files of a tree, which are made here, have these owners."""
    for path in expected:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if not (root / path).is_symlink():
            (root / path).touch()
    found = layer_assignment.assign_layers(root, root / LIBRARY, root / PACKAGES)
    assert {file.path.removeprefix("/"): file.owner for file in found} == expected


def test_what_is_installed_from_this_machine_is_the_projects(install: Install, tmp_path: Path) -> None:
    install("shopx", "shopx/web.py", "shopx/x.html", "fastx.abi3.so", origin="file:///home/größe/shop")
    expected = {
        f"{PACKAGES}/shopx/web.pyc": "project",
        f"{PACKAGES}/shopx/x.html": "project",
        f"{PACKAGES}/fastx.abi3.so": "project",
    }
    assert_owners(tmp_path / "tree", expected)


def test_what_is_installed_from_elsewhere_is_third_partys(install: Install, tmp_path: Path) -> None:
    install("depx", "depx/__init__.py", "depx/_c.abi3.so", "depx.libs/libz.so.1", "depx-1.0.dist-info/LICENSE")
    install("labx", "../../../share/lab/index.html.j2")
    install("gitx", "gitx.py", origin="https://git.example/gitx.git")
    (tmp_path / "tree" / PACKAGES).mkdir(parents=True)
    (tmp_path / "tree" / PACKAGES / "libz.so.1").symlink_to("depx.libs/libz.so.1")
    expected = {
        f"{PACKAGES}/depx/__init__.pyc": "third-party",
        f"{PACKAGES}/depx/__pycache__/__init__.cpython-313.opt-2.pyc": "third-party",
        f"{PACKAGES}/depx/_c.abi3.so": "third-party",
        f"{PACKAGES}/depx.libs/libz.so.1": "third-party",
        f"{PACKAGES}/depx-1.0.dist-info/LICENSE": "third-party",
        "usr/local/share/lab/index.html.j2": "third-party",
        f"{PACKAGES}/gitx.pyc": "third-party",
        f"{PACKAGES}/libz.so.1": "third-party",
        f"{PACKAGES}/pystatic_runner/server.pyc": "third-party",
    }
    assert_owners(tmp_path / "tree", expected)


def test_a_tree_may_lie_behind_a_link(install: Install, tmp_path: Path) -> None:
    """As it does where build/ is a link."""
    install("depx", "depx/__init__.py")
    (tmp_path / "scratch/tree").mkdir(parents=True)
    (tmp_path / "build").symlink_to("scratch")
    assert_owners(tmp_path / "build/tree", {f"{PACKAGES}/depx/__init__.pyc": "third-party"})


def test_what_nobody_installed_is_the_projects(tmp_path: Path) -> None:
    expected = {
        "shop": "project",
        f"{PACKAGES}/plugin.pyc": "project",
        f"{PACKAGES}/templates/index.html": "project",
        f"{PACKAGES}/templates/libc.so.6": "project",
    }
    assert_owners(tmp_path / "tree", expected)


def test_the_interpreter_and_the_systems_libraries_are_pythons(tmp_path: Path) -> None:
    expected = {
        "usr/local/bin/python3": "python",
        f"{LIBRARY}/os.pyc": "python",
        f"{LIBRARY}/lib-dynload/libm.so": "python",
        "lib/x86_64-linux-gnu/libpython3.so.1.0": "python",
        "lib/x86_64-linux-gnu/libssl.so.3": "python",
        "lib/x86_64-linux-gnu/libcrypt.so.1": "python",
        "lib/x86_64-linux-gnu/libmagic.so.1": "python",
    }
    assert_owners(tmp_path / "tree", expected)


@pytest.mark.parametrize(
    "name",
    [
        *("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libmvec.so.1", "libdl.so.2"),
        *("libpthread.so.0", "librt.so.1", "libresolv.so.2", "libnss_dns.so.2", "libgcc_s.so.1"),
    ],
)
def test_the_loader_and_what_glibc_brings_are_known_by_their_names(name: str) -> None:
    assert layer_assignment.GLIBC.match(name)


def test_glibc_is_known_wherever_its_loader_looks(tmp_path: Path) -> None:
    expected = {"lib/x86_64-linux-gnu/libc.so.6": "libc", "lib64/ld-linux-x86-64.so.2": "libc"}
    assert_owners(tmp_path / "tree", expected)


@pytest.mark.parametrize(
    ("path", "belongs"),
    [
        ("os.pyc", True),
        ("json/decoder.pyc", True),
        (f"{STDLIB}/lib-dynload/_zoneinfo.so", True),
        ("shop/os.pyc", False),
        ("templates/index.html", False),
        ("libssl.so.3", False),
    ],
)
def test_the_standard_library_is_known_by_where_its_files_stand(path: str, belongs: bool) -> None:
    assert layer_assignment.belongs_to_interpreter(Path(path)) is belongs


def test_files_are_listed_in_order_and_folders_are_not(tmp_path: Path) -> None:
    for name in ("shop", "lib/b.pyc", "lib/a.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "lib/empty").mkdir()
    found = layer_assignment.assign_layers(tmp_path, tmp_path / LIBRARY, tmp_path / PACKAGES)
    assert [file.path for file in found] == ["/lib/a.pyc", "/lib/b.pyc", "/shop"]


def test_what_setuptools_leaves_beside_the_sources_does_not_take_the_project_away(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("shop", "shop/web.py", origin="file:///home/größe/shop")
    left = tmp_path / "shop.egg-info"
    left.mkdir()
    (left / "PKG-INFO").write_text("Name: shop\nVersion: 1.0\n", encoding="utf-8")
    (left / "SOURCES.txt").write_text("shop/web.py\n", encoding="utf-8")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/web.py").touch()
    for position in (0, len(sys.path)):
        with monkeypatch.context() as changed:
            changed.setattr("sys.path", [*sys.path[:position], str(tmp_path), *sys.path[position:]])
            assert layer_assignment.distribution_files()["shop/web.py"] == "project"


@pytest.mark.parametrize(
    ("path", "source"),
    [("/x/__pycache__/a.cpython-311.opt-1.pyc", "/x/a.py"), ("/x/a.pyc", "/x/a.py"), ("/x/a.py", "/x/a.py")],
)
def test_the_source_of_a_compiled_module(path: str, source: str) -> None:
    assert layer_assignment.source_of(Path(path)) == Path(source)
