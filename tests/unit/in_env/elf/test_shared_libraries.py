from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import tool_or_skip

pytest.importorskip("elftools", reason="pyelftools is not installed")

from pystatic_tasks.in_env.elf import shared_libraries
from pystatic_tasks.in_env.elf.binaries import search_path

LIBC = "libc.so.6"
# Small, in every glibc, and in need of nothing but libc.
MODEL = "libdl.so.2"


@pytest.fixture(autouse=True)
def _no_search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    shared_libraries.cached_libraries.cache_clear()
    yield
    shared_libraries.cached_libraries.cache_clear()


def patchelf(binary: Path, *arguments: str) -> None:
    subprocess.run([tool_or_skip("patchelf"), *arguments, binary], check=True, timeout=20)


def library_of_machine(name: str, machine: tuple[str, int]) -> Path:
    found = shared_libraries.find_library(name, machine)
    assert found
    return found


class Tree:
    """A folder with a small program, to be completed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.own = root / "opt" / "packages"
        self.own.mkdir(parents=True)
        # Under its own name, by which some versions know what to do.
        self.program = root / "true"
        shutil.copy(tool_or_skip("true"), self.program)
        self.machine = shared_libraries.machine_of(self.program)
        self.model = library_of_machine(MODEL, self.machine)
        self.system: Path = shared_libraries.SharedLibraries(root, self.program).system

    def library(self, path: Path, *needed: str, search: str = "") -> Path:
        """Put a library there, which needs these."""
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.model, path)
        patchelf(path, "--set-soname", path.name)
        for name in needed:
            patchelf(path, "--add-needed", name)
        if search:
            patchelf(path, "--force-rpath", "--set-rpath", search)
        return path

    def needs(self, *names: str) -> None:
        """Make the program need these."""
        for name in names:
            patchelf(self.program, "--add-needed", name)

    def complete(self, *opened_by_name: Path, strip: bool = False) -> list[tuple[str, str]]:
        made = shared_libraries.SharedLibraries(self.root, self.program)
        return made.complete(map(str, opened_by_name), strip=strip)

    def in_system(self) -> set[str]:
        """The libraries that were added, without those of glibc."""
        glibc = {LIBC, MODEL, "libpthread.so.0", "libm.so.6", "libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2"}
        return {path.name for path in self.system.iterdir() if not path.name.startswith("ld-")} - glibc

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the program with nothing but its tree."""
        chroot = [tool_or_skip("chroot"), str(self.root), f"/{self.program.name}"]
        command = chroot if os.geteuid() == 0 else [tool_or_skip("unshare"), "--map-root-user", *chroot]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        if result.stderr.startswith("unshare: "):
            pytest.skip(result.stderr.strip())
        return result


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("this machine has no glibc")
    return Tree(tmp_path / "root")


# What a file asks for.


def test_a_program_names_its_loader_and_its_libraries(tree: Tree) -> None:
    tree.needs("libgröße.so.1")
    linkage = shared_libraries.linkage(tree.program)
    assert Path(linkage.interpreter).is_file()
    assert {LIBC, "libgröße.so.1"} <= set(linkage.needed)
    assert tree.machine == (tree.machine[0], 64 if sys.maxsize > 2**32 else 32)


def test_a_library_names_no_loader(tree: Tree) -> None:
    library = tree.library(tree.own / "libx.so", "liby.so.1")
    linkage = shared_libraries.linkage(library)
    assert (linkage.interpreter, shared_libraries.machine_of(library)) == ("", tree.machine)
    assert "liby.so.1" in linkage.needed


def test_who_asks_for_a_library_is_known_by_its_name(tree: Tree) -> None:
    tree.needs("libx.so")
    tree.library(tree.own / "libx.so", "liby.so.1")
    made = shared_libraries.SharedLibraries(tree.root, tree.program)
    made.complete([], strip=False)
    found = made.linked_by()
    assert found["libx.so"] == ("/true",)
    assert found["liby.so.1"] == ("/opt/packages/libx.so",)
    assert {"/opt/packages/libx.so", "/true"} <= set(found[LIBC])


def test_a_static_program_asks_for_nothing(tree: Tree) -> None:
    loader = Path(shared_libraries.linkage(tree.program).interpreter)
    linkage = shared_libraries.linkage(loader)
    assert (linkage.interpreter, linkage.needed, shared_libraries.machine_of(loader)) == ("", (), tree.machine)


def test_whether_a_library_has_a_symbol_is_read_from_it(tree: Tree) -> None:
    libc = library_of_machine(LIBC, tree.machine)
    assert shared_libraries.exports(libc, "gethostbyname")
    assert not shared_libraries.exports(libc, "gethostbynam")


@pytest.mark.parametrize("style", ["gnu", "sysv"])
def test_both_kinds_of_hash_tables_are_read(tmp_path: Path, style: str) -> None:
    source, library = tmp_path / "x.c", tmp_path / "libx.so"
    source.write_text("int here(void) { return 1; }\n", encoding="utf-8")
    compiler = [tool_or_skip("gcc"), "-shared", "-fPIC", f"-Wl,--hash-style={style}"]
    subprocess.run([*compiler, "-o", str(library), str(source)], check=True)
    assert shared_libraries.exports(library, "here")
    assert not shared_libraries.exports(library, "nowhere")


# Where a library lies.


def test_a_library_of_the_machine_is_found_by_its_name(tree: Tree) -> None:
    found = library_of_machine(LIBC, tree.machine)
    assert (found.name, found.is_file()) == (LIBC, True)
    assert shared_libraries.find_library("libnowhere.so.1", tree.machine) is None


def test_a_library_for_other_machines_is_not_taken(tree: Tree) -> None:
    assert shared_libraries.find_library(LIBC, ("EM_S390", 64)) is None
    assert shared_libraries.find_library(LIBC, (tree.machine[0], 96 - tree.machine[1])) is None


def test_the_search_path_of_the_environment_goes_first(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib").mkdir()
    shutil.copyfile(tree.model, tmp_path / "lib" / MODEL)
    monkeypatch.setenv("LD_LIBRARY_PATH", f":{tmp_path}/nowhere:{tmp_path}/lib")
    assert shared_libraries.find_library(MODEL, tree.machine) == tmp_path / "lib" / MODEL
    assert shared_libraries.find_library(LIBC, tree.machine) != tmp_path / "lib" / LIBC


def test_the_unwinder_is_added_where_nobody_brought_it(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tree.library(tmp_path / "lib/libgcc_s.so.1")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(library.parent))
    assert shared_libraries.unwinder({"libz.so.1"}) == [("libgcc_s.so.1", str(library), "BINARY")]
    assert shared_libraries.unwinder({"libgcc_s.so.1"}) == []


def test_a_machine_without_unwinder_does_without(ldconfig: Callable[[str], None]) -> None:
    ldconfig("0 libs found in cache `/etc/ld.so.cache'")
    assert shared_libraries.unwinder(set()) == []


# A whole tree.


def test_a_program_runs_with_nothing_but_its_tree(tree: Tree) -> None:
    assert tree.run().returncode == 127
    assert tree.complete() == []
    assert tree.run().returncode == 0
    loader = shared_libraries.linkage(tree.program).interpreter
    assert f"{(tree.root / loader.lstrip('/')).stat().st_mode:o}" == "100755"
    assert (tree.system / LIBC).is_file()


def test_libraries_stand_where_the_loader_looks_without_being_told(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.library(tmp_path / "lib/libx.so.1", "liby.so.1")
    tree.library(tmp_path / "lib/liby.so.1")
    tree.needs("libx.so.1")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib"))
    assert tree.complete() == []
    assert tree.in_system() >= {"libx.so.1", "liby.so.1"}
    monkeypatch.delenv("LD_LIBRARY_PATH")
    assert tree.run().returncode == 0


def test_a_library_that_the_program_brings_is_not_replaced_by_the_machines(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tree.library(tree.system / "liby.so.1", search="$ORIGIN").read_bytes()
    tree.library(tmp_path / "lib/liby.so.1")
    tree.library(tree.own / "x.so", "liby.so.1")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib"))
    assert tree.complete() == []
    assert (tree.system / "liby.so.1").read_bytes() == own


@pytest.mark.parametrize("search", ["$ORIGIN/../x.libs", "${ORIGIN}/../x.libs", "$ORIGIN:$ORIGIN/../x.libs"])
def test_libraries_of_wheels_stay_where_they_are_whatever_the_machine_has(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, search: str
) -> None:
    tree.library(tree.own / "x/x.so", "liby.so.1", search=search)
    tree.library(tree.own / "x.libs/liby.so.1")
    tree.library(tmp_path / "lib/liby.so.1")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib"))
    assert tree.complete() == []
    assert (tree.own / "x.libs/liby.so.1").exists()
    assert "liby.so.1" not in tree.in_system()


def test_what_another_library_of_the_program_brings_along_is_not_missed(tree: Tree) -> None:
    tree.library(tree.own / "x/x.so", "liby.so.1")
    tree.library(tree.own / "x.libs/liby.so.1")
    assert tree.complete() == []
    assert "liby.so.1" not in tree.in_system()


def test_libraries_of_the_machine_are_added_with_what_they_need(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.library(tmp_path / "lib/liba.so.1", "libb.so.1", search="/opt/größe/lib")
    tree.library(tmp_path / "lib/libb.so.1", "liba.so.1")
    tree.library(tree.own / "x.so", "liba.so.1")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib"))
    assert tree.complete() == []
    assert {"liba.so.1", "libb.so.1"} <= tree.in_system()
    assert search_path(tree.system / "liba.so.1") == ("", [])
    assert f"{(tree.system / 'liba.so.1').stat().st_mode:o}" == "100755"


def test_libraries_that_are_opened_by_name_are_added_with_what_they_need(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tree.library(tmp_path / "plugins/plugin.so", "liba.so.1")
    tree.library(tmp_path / "lib/liba.so.1")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib"))
    assert tree.complete(plugin) == []
    assert {"plugin.so", "liba.so.1"} <= tree.in_system()


def test_libraries_that_stand_nowhere_are_named_with_what_needs_them(tree: Tree) -> None:
    tree.library(tree.own / "deep/x.so", "libnowhere.so.2", "libnowhere.so.1")
    tree.library(tree.own / "liby.so.1", "libnowhere.so.1")
    assert tree.complete() == [
        ("liby.so.1", "libnowhere.so.1"),
        ("x.so", "libnowhere.so.1"),
        ("x.so", "libnowhere.so.2"),
    ]


def test_what_the_program_itself_lacks_is_named(tree: Tree) -> None:
    tree.needs("libnowhere.so.1")
    assert tree.complete() == [("true", "libnowhere.so.1")]


def test_what_a_library_of_the_machine_lacks_is_named(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.library(tmp_path / "lib/liba.so.1", "libnowhere.so.1")
    tree.needs("liba.so.1")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib"))
    assert tree.complete() == [("liba.so.1", "libnowhere.so.1")]


def test_every_loader_that_a_file_names_is_there(tree: Tree, tmp_path: Path) -> None:
    tool = tree.own / "tool"
    shutil.copy(tree.program, tool)
    loader = tmp_path / "opt" / "ld-own.so.1"
    loader.parent.mkdir()
    shutil.copyfile(shared_libraries.linkage(tree.program).interpreter, loader)
    patchelf(tool, "--set-interpreter", str(loader))
    assert tree.complete() == []
    assert Path(f"{tree.root}{loader}").read_bytes() == loader.read_bytes()
    loader.unlink()
    shutil.rmtree(f"{tree.root}{loader.parent}")
    assert tree.complete() == [("tool", str(loader))]


@pytest.mark.parametrize("version", ["2.34", "2.33"])
def test_what_the_c_library_opens_by_name_is_added(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """Resolvers too, before they became part of it."""
    names = {"libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2"}
    for name in names:
        tree.library(tmp_path / "lib" / name)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib"))
    exported = ["gethostbyname", *(["_nss_dns_gethostbyname4_r"] if version == "2.34" else [])]
    monkeypatch.setattr(shared_libraries, "exports", lambda _, name: name in exported)
    assert tree.complete() == []
    added = {name for name in names if (tree.system / name).exists()}
    assert added == ({"libgcc_s.so.1"} if version == "2.34" else names)


def test_a_machine_without_what_the_c_library_opens_does_without(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_libraries, "UNWINDER", "libnowhere.so.1")
    monkeypatch.setattr(shared_libraries, "RESOLVERS", ("libnowhere.so.2",))
    monkeypatch.setattr(shared_libraries, "exports", lambda *_: False)
    assert tree.complete() == []


def test_what_is_added_is_stripped_only_if_wanted(tree: Tree, tmp_path: Path) -> None:
    tool_or_skip("strip")
    plugin = tree.library(tmp_path / "plugins/plugin.so")
    subprocess.run(["strip", "--strip-all", "-o", tmp_path / "stripped", plugin], check=True, timeout=20)
    tree.complete(plugin, strip=False)
    assert (tree.system / "plugin.so").read_bytes() == plugin.read_bytes()
    tree.complete(plugin, strip=True)
    assert (tree.system / "plugin.so").read_bytes() == (tmp_path / "stripped").read_bytes() != plugin.read_bytes()


def test_a_tree_that_is_complete_stays_as_it_is(tree: Tree) -> None:
    tree.library(tree.own / "libx.so.1")
    tree.complete()
    before = {path: path.read_bytes() for path in tree.root.rglob("*") if path.is_file()}
    assert tree.complete() == []
    assert {path: path.read_bytes() for path in tree.root.rglob("*") if path.is_file()} == before
