from __future__ import annotations

import importlib.util
import json
import marshal
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType

import pytest
from support import tool_or_skip

from pystatic_tasks.engines.local import children

pytest.importorskip("elftools", reason="pyelftools is not installed")

from pystatic_tasks.in_env.elf.shared_libraries import SharedLibraries, linkage
from pystatic_tasks.in_env.freeze import tree
from pystatic_tasks.in_env.probe import find_libpython

VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
LIBRARY = f"usr/local/lib/{VERSION}"
PACKAGES = f"{LIBRARY}/site-packages"
# The files of all modules that any program starts with.
STARTED_WITH = """
import encodings.ascii, json, marshal, os, signal, sys, tokenize, traceback
print(json.dumps([[name, module.__file__] for name, module in sys.modules.items() if getattr(module, "__file__", "")]))
"""
Entry = tuple[str, str, str]


@pytest.fixture(scope="module")
def libpython() -> list[Entry]:
    """The interpreter's own library, where it is one."""
    needed = linkage(Path(sys.executable).resolve()).needed
    path = find_libpython()
    return [(Path(path).name, path, "BINARY")] if Path(path).name in needed else []


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """The standard library as far as any program needs it, as PyInstaller lists it."""
    folder = tmp_path_factory.mktemp("modules")
    found = subprocess.run(
        [sys.executable, "-ISc", STARTED_WITH], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    entries = []
    for name, file in json.loads(found):
        if file.endswith(".so"):
            entries.append((f"{VERSION}/lib-dynload/{Path(file).name}", file, "EXTENSION"))
        else:
            path = name.replace(".", "/") + ("/__init__" if file.endswith("__init__.py") else "")
            code = compile(Path(file).read_bytes(), f"{path}.py", "exec", dont_inherit=True)
            compiled = folder / f"{name}.pyc"
            compiled.write_bytes(pyc(code))
            entries.append((f"{path}.pyc", str(compiled), "DATA"))
    return entries


def pyc(code: CodeType) -> bytes:
    return importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + marshal.dumps(code)


@pytest.fixture
def lay_out(libpython: list[Entry], tmp_path: Path) -> Callable[..., Path]:
    """Makes the tree of an entry script; the root folder."""

    def lay_out(
        text: str = "",
        contents: Sequence[Entry] = (),
        libraries: Sequence[str] = (),
        missing: Sequence[tuple[str, str]] = (),
        optimize: int = 0,
        documented: bool = False,
    ) -> Path:
        root, entry = tmp_path / "root", tmp_path / "shop-entry.py"
        entry.write_text(text, encoding="utf-8")
        everything = [*libpython, *contents]
        found = tree.lay_out(
            root,
            "shop",
            everything,
            entry,
            libraries,
            title="jobs/größe.py",
            optimize=optimize,
            documented=documented,
            strip=False,
        )
        assert found.missing == tuple(missing)
        return root

    return lay_out


def a_file(path: Path, content: bytes = b"x") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def inside(root: Path, *unshare: str) -> list[str]:
    """A command that runs the program with nothing but its tree."""
    as_user = [] if os.geteuid() == 0 else ["--map-root-user"]
    before = [tool_or_skip("unshare"), *as_user, *unshare]
    trial = subprocess.run([*before, "true"], capture_output=True, text=True, check=False, timeout=20)
    if trial.returncode != 0:
        pytest.skip(f"no namespaces: {trial.stderr.strip()}")
    return [*before, tool_or_skip("chroot"), str(root), "/shop"]


def run(root: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [*inside(root), *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20, env=environment)


# What runs.


def test_a_program_runs_with_nothing_but_its_tree(lay_out: Callable[..., Path], modules: list[Entry]) -> None:
    text = "import sys\n\nif __name__ == '__main__':\n    print('größe', sys.argv[1:])\n    sys.exit(7)\n"
    result = run(lay_out(text, modules), "a b", "--help", LC_ALL="C.UTF-8")
    assert (result.returncode, result.stdout, result.stderr) == (7, "größe ['a b', '--help']\n", "")


def test_it_imports_what_was_laid_out_and_nothing_else(
    lay_out: Callable[..., Path], modules: list[Entry], tmp_path: Path
) -> None:
    code = compile("name = __name__", "plugin.py", "exec")
    plugin = ("shop/plugin.pyc", a_file(tmp_path / "plugin.pyc", pyc(code)), "DATA")
    text = "import sys\nimport shop.plugin\n\nprint(shop.plugin.name, __file__, *sys.path, sep='\\n')\n"
    result = run(lay_out(text, [*modules, plugin]), PYTHONPATH="/elsewhere", PYTHONHOME="/elsewhere")
    name, file, *paths = result.stdout.splitlines()
    assert (name, file) == ("shop.plugin", f"/{PACKAGES}/shop-entry.pyc")
    assert paths[-1] == f"/{PACKAGES}"
    assert all(path.startswith("/usr/local/lib/python3") for path in paths)


@pytest.mark.parametrize("optimize", [0, 2])
def test_a_source_that_is_there_too_is_shown_and_its_bytecode_is_what_runs(
    lay_out: Callable[..., Path], modules: list[Entry], tmp_path: Path, optimize: int
) -> None:
    code = compile("def f():\n    return 'compiled before'\n", "shop/plugin.py", "exec")
    contents = [
        *modules,
        ("shop/plugin.pyc", a_file(tmp_path / "plugin.pyc", pyc(code)), "DATA"),
        ("shop/plugin.py", a_file(tmp_path / "plugin.py", b"def f():\n    return 'source'\n"), "DATA"),
    ]
    text = (
        "import linecache\nfrom shop.plugin import f\n\n"
        "print(f(), linecache.getline(f.__code__.co_filename, 2), sep='\\n')\n"
    )
    result = run(lay_out(text, contents, optimize=optimize))
    assert (result.stdout, result.stderr) == ("compiled before\n    return 'source'\n\n", "")


@pytest.mark.parametrize(("optimize", "seen"), [(0, "AssertionError"), (1, "doc"), (2, "None")])
def test_it_runs_at_the_wanted_level_of_optimization(
    lay_out: Callable[..., Path], modules: list[Entry], optimize: int, seen: str
) -> None:
    text = "import sys\n\ndef f():\n    'doc'\n\nassert False\nprint(f.__doc__, sys.flags.optimize)\n"
    result = run(lay_out(text, modules, optimize=optimize))
    assert (result.stdout or result.stderr.splitlines()[-1]).split() == ([seen, str(optimize)] if optimize else [seen])


def test_a_script_may_keep_its_docstrings_at_any_level(lay_out: Callable[..., Path], modules: list[Entry]) -> None:
    text = "'doc'\nimport sys\n\nassert False\nprint(__doc__, sys.flags.optimize)\n"
    assert run(lay_out(text, modules, optimize=2, documented=True)).stdout == "doc 2\n"


def test_a_traceback_tells_nothing_of_the_machine_it_was_made_on(
    lay_out: Callable[..., Path], modules: list[Entry], tmp_path: Path
) -> None:
    result = run(lay_out("1/0\n", modules))
    assert 'File "jobs/größe.py", line 1' in result.stderr
    assert str(tmp_path) not in result.stderr


RAISING = """import shop.plugin, traceback

def first():
    'A text that may be left out.'
    assert True
    shop.plugin.second()

try:
    first()
except ValueError:
    traceback.print_exc()
    raise
"""
PLUGIN = """
def second():
    raise ValueError("größe")
"""
FRAMES = [
    '  File "jobs/größe.py", line 9, in <module>',
    '  File "jobs/größe.py", line 6, in first',
    '  File "shop/plugin.py", line 3, in second',
    "ValueError: größe",
]


@pytest.mark.parametrize("optimize", [0, 2])
def test_a_traceback_has_the_files_and_lines_of_the_project(
    lay_out: Callable[..., Path], modules: list[Entry], tmp_path: Path, optimize: int
) -> None:
    code = compile(PLUGIN, "shop/plugin.py", "exec", optimize=optimize)
    plugin = ("shop/plugin.pyc", a_file(tmp_path / "plugin.pyc", pyc(code)), "DATA")
    result = run(lay_out(RAISING, [*modules, plugin], optimize=optimize), LC_ALL="C.UTF-8")
    print(result.stderr)
    head = "Traceback (most recent call last):"
    first, *lines = result.stderr.splitlines()
    assert first == head
    # What is printed by the program, then by the interpreter, which adds how the script was started.
    assert lines[: len(FRAMES)] == FRAMES
    assert lines[len(FRAMES)] == head
    assert lines[-len(FRAMES) :] == FRAMES


def end_by_term(root: Path) -> tuple[int, str]:
    """Exit code, and what else is printed, of a first process that is told to end."""
    command = inside(root, "--pid", "--fork", "--kill-child")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        (program,) = children(process.pid)
        os.kill(program, signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
        return process.returncode, output
    finally:
        process.kill()
        process.communicate()


WAITS = "import time\nprint('ready')\ntime.sleep(60)\n"


def test_term_ends_the_first_process_of_a_container(lay_out: Callable[..., Path], modules: list[Entry]) -> None:
    text = f"try:\n    {WAITS.strip().replace(chr(10), chr(10) + '    ')}\nfinally:\n    print('in order')\n"
    started = time.monotonic()
    assert end_by_term(lay_out(text, modules)) == (143, "in order\n")
    assert time.monotonic() - started < 10


def test_a_program_may_handle_term_itself(lay_out: Callable[..., Path], modules: list[Entry]) -> None:
    handles = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
    assert end_by_term(lay_out(handles + WAITS, modules)) == (5, "")


def test_any_other_process_is_left_alone(lay_out: Callable[..., Path], modules: list[Entry]) -> None:
    text = "import signal\n\nprint(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)\n"
    assert run(lay_out(text, modules)).stdout == "True\n"


# Where files stand.


def placed(root: Path, name: str) -> list[str]:
    """The folders that hold a file or a link of that name."""
    return [str(path.parent.relative_to(root)) for path in root.rglob(name)]


@pytest.mark.parametrize(
    ("destination", "kind", "folder"),
    [
        ("os.pyc", "DATA", LIBRARY),
        ("json/decoder.pyc", "DATA", f"{LIBRARY}/json"),
        ("falcon/app.pyc", "DATA", f"{PACKAGES}/falcon"),
        ("plugin.pyc", "DATA", PACKAGES),
        ("templates/größe.html", "DATA", f"{PACKAGES}/templates"),
        ("notes.txt", "DATA", PACKAGES),
        ("falcon-4.0.dist-info/METADATA", "DATA", f"{PACKAGES}/falcon-4.0.dist-info"),
    ],
)
def test_what_python_reads_stands_as_if_it_were_installed(
    lay_out: Callable[..., Path], tmp_path: Path, destination: str, kind: str, folder: str
) -> None:
    root = lay_out(contents=[(destination, a_file(tmp_path / "x"), kind)])
    assert placed(root, Path(destination).name) == [folder]


def test_data_beside_the_packages_of_an_environment_stands_beside_those_of_the_tree(
    lay_out: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "folder_of_python", lambda kind: tmp_path / "environment")
    page = a_file(tmp_path / "environment/share/lab/page.html")
    assert placed(lay_out(contents=[("share/lab/page.html", page, "DATA")]), "page.html") == ["usr/local/share/lab"]


def test_binaries_stand_where_python_and_the_loader_look(lay_out: Callable[..., Path], tmp_path: Path) -> None:
    library = str(SharedLibraries(tmp_path, Path(sys.executable)).c_library)
    root = lay_out(
        contents=[
            (f"{VERSION}/lib-dynload/_x.so", library, "EXTENSION"),
            ("falcon/fast.so", library, "EXTENSION"),
            ("x.libs/liby.so.1", library, "BINARY"),
            ("liby.so.1", "x.libs/liby.so.1", "SYMLINK"),
            ("libz.so.9", library, "BINARY"),
            ("libpython9.9.so.1.0", library, "BINARY"),
        ]
    )
    system = str(Path(library).parent.relative_to("/"))
    assert placed(root, "_x.so") == [f"{LIBRARY}/lib-dynload"]
    assert placed(root, "fast.so") == [f"{PACKAGES}/falcon"]
    assert placed(root, "liby.so.1") == [f"{PACKAGES}/x.libs"]
    assert placed(root, "libz.so.9") == [system]
    # Only the one that the interpreter needs, if it needs one at all.
    assert placed(root, "libpython9.9.so.1.0") == []


def test_the_library_of_the_interpreter_stands_where_the_loader_looks(
    lay_out: Callable[..., Path], libpython: list[Entry]
) -> None:
    if not libpython:
        pytest.skip("this interpreter needs no library of its own")
    (folder,) = placed(lay_out(), libpython[0][0])
    assert folder.startswith(("lib", "usr/lib"))


def test_an_interpreter_needs_a_shared_library_if_it_is_linked_to_one(libpython: list[Entry]) -> None:
    assert tree.needs_libpython(Path(sys.executable).resolve()) is bool(libpython)
    assert tree.needs_libpython(Path(tool_or_skip("ls")).resolve()) is False


def test_links_inside_packages_stay_links(lay_out: Callable[..., Path], tmp_path: Path) -> None:
    contents = [("x/one.txt", a_file(tmp_path / "x"), "DATA"), ("x/two.txt", "one.txt", "SYMLINK")]
    root = lay_out(contents=contents)
    assert (root / PACKAGES / "x/two.txt").readlink() == Path("one.txt")


def test_the_interpreter_is_the_one_that_lays_out(lay_out: Callable[..., Path]) -> None:
    executable = lay_out() / "usr/local/bin" / VERSION
    assert f"{executable.stat().st_mode:o}" == "100755"
    assert not executable.is_symlink()


@pytest.mark.parametrize(("optimize", "flags"), [(0, "-ISu"), (1, "-ISuO"), (2, "-ISuOO")])
def test_the_script_is_started_by_the_interpreter(lay_out: Callable[..., Path], optimize: int, flags: str) -> None:
    script = lay_out(optimize=optimize) / "shop"
    assert script.read_text(encoding="utf-8").splitlines()[0] == f"#!/usr/local/bin/{VERSION} {flags}"
    assert f"{script.stat().st_mode:o}" == "100755"


def test_python_finds_a_folder_for_extensions_even_if_there_are_none(lay_out: Callable[..., Path]) -> None:
    assert (lay_out() / LIBRARY / "lib-dynload").is_dir()


def test_nothing_of_an_older_tree_is_left(lay_out: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "root" / PACKAGES).mkdir(parents=True)
    (tmp_path / "root" / PACKAGES / "old.pyc").touch()
    assert placed(lay_out(), "old.pyc") == []


def test_the_same_script_is_the_same_code(lay_out: Callable[..., Path]) -> None:
    text = "def f(x: int) -> int:\n    return {x, 'a', 'b'}\n"
    codes = [(lay_out(text, optimize=2) / PACKAGES / "shop-entry.pyc").read_bytes() for _ in range(2)]
    assert codes[0] == codes[1]
    # PEP 552: never compared with a source, which is not there.
    assert codes[0][4:16] == (1).to_bytes(4, "little") + bytes(8)


def test_the_script_is_compiled_by_its_own_rules(lay_out: Callable[..., Path], modules: list[Entry]) -> None:
    text = "def f(x: 1 + 1): ...\n\nprint(f.__annotations__)\n"
    assert run(lay_out(text, modules)).stdout == "{'x': 2}\n"


def test_libraries_that_are_opened_by_name_stand_where_the_loader_looks(
    lay_out: Callable[..., Path], tmp_path: Path
) -> None:
    library = SharedLibraries(tmp_path, Path(sys.executable)).c_library
    plugin = a_file(tmp_path / "plugin.so.1", library.read_bytes())
    assert placed(lay_out(libraries=[plugin]), "plugin.so.1") == [str(library.parent.relative_to("/"))]


def test_libraries_that_stand_nowhere_are_named_with_what_needs_them(
    lay_out: Callable[..., Path], tmp_path: Path
) -> None:
    library = SharedLibraries(tmp_path, Path(sys.executable)).c_library
    plugin = Path(a_file(tmp_path / "x.so", library.read_bytes()))
    subprocess.run([tool_or_skip("patchelf"), "--add-needed", "libnowhere.so.1", plugin], check=True, timeout=20)
    lay_out(contents=[("shop/x.so", str(plugin), "EXTENSION")], missing=[("x.so", "libnowhere.so.1")])


def test_it_is_told_what_of_the_machine_a_tree_was_made_of(lay_out: Callable[..., Path], tmp_path: Path) -> None:
    interpreter = Path(sys.executable).resolve()
    library = SharedLibraries(tmp_path, interpreter).c_library
    files = tree.machine_files(lay_out(contents=[("falcon/fast.so", str(library), "EXTENSION")]))
    loader = Path(linkage(interpreter).interpreter)
    assert {str(interpreter), str(library)} <= set(files)
    assert {loader.resolve(), library.resolve()} <= {Path(file).resolve() for file in files}
    assert not {Path(file).name for file in files} & {"fast.so", "shop"}
    assert files == sorted(set(files))
