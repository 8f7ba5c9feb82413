from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import swap_source

from pystatic_tasks.in_env.observe.recorded import Records, read_records, records_in
from pystatic_tasks.steps.build_environment import IN_ENV

RECORDER = IN_ENV / "observe" / "recorder"
SQLITE = ("", "-journal", "-wal", "-shm")


def record(tmp_path: Path, code: str, files: dict[str, str] | None = None, path: str = "") -> Records:
    """What a Python wrote down that ran this code in a folder with these files."""
    folder, records = tmp_path / "project", tmp_path / "records"
    records.mkdir()
    for name, text in {"main.py": code, **(files or {})}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    python_path = os.pathsep.join(filter(None, [str(RECORDER), path]))
    variables = {**os.environ, "PYTHONPATH": python_path, "PYSTATIC_RECORDS": str(records)}
    subprocess.run([sys.executable, "main.py"], cwd=folder, env=variables, check=True, timeout=30)
    return read_records(records)


def names(records: Records) -> dict[str, str]:
    return {name: way for name, _, way in records.modules}


def test_a_module_is_imported_by_a_statement_or_by_its_name(tmp_path: Path) -> None:
    code = "import importlib\nimport one\nimportlib.import_module('two')\n__import__('three')\nfrom four import five\n"
    files = {"one.py": "", "two.py": "", "three.py": "", "four/__init__.py": "", "four/five.py": ""}
    records = record(tmp_path, code, files)
    expected = {"one": "statement", "two": "name", "three": "name", "four": "statement", "four.five": "statement"}
    assert {name: names(records)[name] for name in expected} == expected


def test_an_extension_module_is_heard_of_with_its_file(tmp_path: Path) -> None:
    records = record(tmp_path, "import importlib\nimportlib.import_module('_json' if False else '_ctypes')\n")
    [(path, way)] = {(path, way) for name, path, way in records.modules if name == "_ctypes"}
    assert ".so" in path
    assert way == "name"


def test_what_machine_code_imports_when_it_begins_is_imported_by_its_name(tmp_path: Path) -> None:
    """No analysis sees that."""
    found = names(record(tmp_path, "import _elementtree\n"))
    assert (found["copy"], found["xml.etree.ElementPath"]) == ("name", "name")
    assert found.get("_elementtree", "statement") == "statement"


def test_files_that_are_read_and_folders_that_are_listed_are_written_down(tmp_path: Path) -> None:
    code = "import os\nopen('data/a.txt').read()\nopen('data/b.txt', 'w').close()\nos.listdir('data')\n"
    records = record(tmp_path, code, {"data/a.txt": "größe"})
    folder = tmp_path / "project" / "data"
    assert str(folder / "a.txt") in records.files
    assert str(folder / "b.txt") not in records.files
    assert str(folder) in records.folders


CHECKS = """
import os, pathlib, shutil
for name in ("a.txt", "b.txt", "c.txt", "gone.txt"):
    os.path.exists("data/" + name)
pathlib.Path("data/d.txt").is_file()
os.stat(path=b"data/e.txt")
pathlib.Path("data/code.py").exists()
os.path.isdir("data")
with open("main.py") as file:
    os.stat(file.fileno())
folder = os.open("data", os.O_RDONLY)
os.stat("f.txt", dir_fd=folder)
try:
    os.stat(None)
except TypeError as error:
    assert "stat" in str(error)
assert os.stat in os.supports_dir_fd and os.stat in os.supports_follow_symlinks and os.stat in os.supports_fd
assert os.stat.__name__ == "stat"
shutil.rmtree("data/more")
"""


def test_files_that_are_found_to_be_there_are_written_down(tmp_path: Path) -> None:
    found = {f"data/{name}.txt": "" for name in "abcdef"}
    records = record(tmp_path, CHECKS, {**found, "data/code.py": "", "data/more/g.txt": ""})
    folder = f"{tmp_path}/project/data/"
    assert {path.removeprefix(folder) for path in records.checked if path.startswith(folder)} == {
        *("a.txt", "b.txt", "c.txt", "d.txt", "e.txt")
    }
    assert not [path for path in records.checked if path.endswith(".py")]


def test_a_folder_that_is_opened_as_a_file_was_not_read(tmp_path: Path) -> None:
    code = "import contextlib, os\nwith contextlib.suppress(OSError):\n    open('data')\nos.open('more', os.O_RDONLY)\n"
    records = record(tmp_path, code, {"data/a.txt": "", "more/b.txt": ""})
    project = tmp_path / "project"
    assert records.files & {str(project / "data"), str(project / "more")} == {str(project / "more")}


def test_what_the_import_system_opens_and_lists_is_no_data(tmp_path: Path) -> None:
    records = record(tmp_path, "import shop.web\n", {"shop/__init__.py": "", "shop/web.py": ""})
    assert not [path for path in records.files if "shop" in path]
    assert str(tmp_path / "project" / "shop") not in records.folders
    assert str(tmp_path / "project" / "shop") in records.searched


def test_what_is_written_made_renamed_and_removed_is_written_down(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "open('written', 'w').close()\n"
        "open('appended', 'a').close()\n"
        "os.mkdir('made')\n"
        "os.rename('written', b'renamed')\n"
        "os.remove('appended')\n"
        "os.rmdir('made')\n"
        "import shutil\n"
        "shutil.rmtree('folder')\n"
        "open('read')\n"
    )
    records = record(tmp_path, code, {"read": "", "folder/inner/file": ""})
    project = tmp_path / "project"
    names = {str(Path(path).relative_to(project)) for path in records.changed if path.startswith(f"{project}/")}
    assert names >= {"written", "appended", "made", "renamed", "folder", "folder/inner", "folder/inner/file"}
    assert "read" not in names
    assert not [path for path in records.changed if path.startswith(str(tmp_path / "records"))]


def test_databases_and_links_are_written_down(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sqlite3\n"
        "os.link(b'there', b'linked')\n"
        "os.mkdir('inner')\n"
        "os.link('there', 'inside', dst_dir_fd=os.open('inner', os.O_RDONLY))\n"
        "here = os.getcwd()\n"
        "for uri in ('file:my%20sh%C3%B6p.db?mode=rwc', f'file://localhost{here}/host.db', f'file:{here}/hash.db#x'):\n"
        "    sqlite3.connect(uri, uri=True)\n"
        "sqlite3.connect('what?.db')\n"
        "for name in 'app.db', pathlib.Path('path.db'), b'bytes.db', ':memory:', '':\n"
        "    sqlite3.connect(name).close()\n"
        "sqlite3.connect('file:uri.db?mode=rwc', uri=True).close()\n"
        "sqlite3.connect('file::memory:', uri=True).close()\n"
    )
    records = record(tmp_path, code, {"there": ""})
    names = {Path(path).relative_to(tmp_path / "project").as_posix() for path in records.written}
    databases = {
        "app.db",
        "path.db",
        "bytes.db",
        "uri.db",
        "my shöp.db",
        "host.db",
        "hash.db",
        "what?.db",
    }
    assert {path.name for path in (tmp_path / "project").glob("*.db")} == databases
    assert names >= {"linked", "inner/inside", *(f"{name}{suffix}" for name in databases for suffix in SQLITE)}
    assert not [name for name in names if name.startswith(":memory:")]


def test_what_is_opened_to_be_read_and_written_is_written_down(tmp_path: Path) -> None:
    code = (
        "for name in 'there', 'gone':\n"
        "    try:\n"
        "        open(name, 'r+').close()\n"
        "    except OSError:\n"
        "        pass\n"
        "open('appended', 'a+').close()\n"
        "open('emptied', 'w+').close()\n"
        "open('exclusive', 'x+').close()\n"
        "import tempfile\n"
        "tempfile.TemporaryFile(dir='.').close()\n"
    )
    records = record(tmp_path, code, {"there": "", "emptied": ""})
    project = tmp_path / "project"

    def names(paths: set[str]) -> set[str]:
        return {str(Path(path).relative_to(project)) for path in paths if path.startswith(f"{project}/")}

    assert names(records.updated) == {"there", "gone", "appended"}
    assert names(records.changed) >= {"there", "appended", "emptied", "exclusive"}
    assert "gone" not in names(records.changed)
    assert names(records.files) == {"main.py"}


def test_data_that_is_read_through_the_import_system_is_data(tmp_path: Path) -> None:
    code = "import pkgutil\npkgutil.get_data('shop', 'page.html')\n"
    records = record(tmp_path, code, {"shop/__init__.py": "", "shop/page.html": "x"})
    assert str(tmp_path / "project" / "shop" / "page.html") in records.files


@pytest.mark.parametrize(
    ("code", "is_read"),
    [
        ("import traceback\ntry:\n    shop.x\nexcept Exception:\n    traceback.format_exc()\n", False),
        ("import warnings\nwarnings.warn('x')\n", False),
        ("import traceback\ntry:\n    shop.f(1)\nexcept Exception as error:\n    traceback.print_exc()\n", False),
        ("import inspect\ninspect.getsource(shop)\n", True),
        ("import inspect\nshop.g(inspect.currentframe, inspect.getframeinfo)\n", True),
        ("import inspect\nshop.f(inspect.stack)\n", False),
        ("open(shop.__file__).read()\n", True),
    ],
)
def test_a_source_that_is_read_to_show_a_line_is_no_data(tmp_path: Path, code: str, is_read: bool) -> None:
    shop = "def f(call):\n    call()\n\n\ndef g(frame, call):\n    call(frame())\n"
    records = record(tmp_path, f"import shop\n{code}", {"shop.py": shop})
    assert (str(tmp_path / "project" / "shop.py") in records.files) is is_read


def test_children_of_every_kind_write_down_too(tmp_path: Path) -> None:
    code = (
        "import multiprocessing, os, subprocess, sys\n"
        "import work\n"
        "if __name__ == '__main__':\n"
        "    subprocess.run([sys.executable, '-c', \"open('subprocess.txt')\"], check=True)\n"
        "    if os.fork() == 0:\n"
        "        open('forked.txt')\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "    child = multiprocessing.get_context('spawn').Process(target=work.read)\n"
        "    child.start()\n"
        "    child.join()\n"
    )
    files = {"work.py": "def read():\n    open('spawned.txt')\n"}
    data = {"subprocess.txt": "", "forked.txt": "", "spawned.txt": ""}
    records = record(tmp_path, code, {**files, **data})
    assert {str(tmp_path / "project" / name) for name in data} <= records.files


def test_programs_are_written_down_unless_python_asks_the_machine_by_them(tmp_path: Path) -> None:
    code = (
        "import ctypes.util, os, platform, subprocess\n"
        "subprocess.run(['true'])\n"
        "os.system('exit 0')\n"
        "platform.processor()\n"
        "ctypes.util.find_library('nothing-of-that-name')\n"
    )
    records = record(tmp_path, code)
    assert records.programs == {"true", "sh"}


def test_libraries_that_are_mapped_at_the_end_are_written_down(tmp_path: Path) -> None:
    records = record(tmp_path, "import _ctypes\n")
    assert any("libc.so" in path or "libc-" in path for path in records.libraries)


def test_the_next_module_of_its_name_runs_too_and_the_path_is_as_without_it(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "sitecustomize.py").write_text("import builtins\nbuiltins.NEXT = 1\n", encoding="utf-8")
    code = f"import sys\nassert NEXT == 1\nassert {str(RECORDER)!r} not in sys.path\n"
    record(tmp_path, code, path=str(other))


def test_a_module_is_compiled_though_there_is_bytecode_of_the_same_size_and_time(tmp_path: Path) -> None:
    other = tmp_path / "other"
    swap_source(other / "prices.py", "PRICE = 1\n", "PRICE = 2\n")
    record(tmp_path, "from prices import PRICE\nassert PRICE == 2\n", path=str(other))


def test_a_program_may_write_bytecode_itself(tmp_path: Path) -> None:
    code = "import py_compile\npy_compile.compile('prices.py', 'prices.pyc', doraise=True)\n"
    record(tmp_path, code, {"prices.py": ""})
    assert (tmp_path / "project/prices.pyc").is_file()


def test_a_module_of_this_python_is_not_compiled_again(tmp_path: Path) -> None:
    code = "import fractions, pathlib\nassert pathlib.Path(fractions.__cached__).is_file()\n"
    records = record(tmp_path, code + "fractions.__loader__.path_stats(fractions.__file__)\n")
    assert "fractions" in names(records)


def test_an_error_of_the_recorder_is_none_of_the_program(tmp_path: Path) -> None:
    code = "import os, shutil\nshutil.rmtree(os.environ['PYSTATIC_RECORDS'])\nprint(open('main.py').read())\n"
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "records").mkdir()
    (folder / "main.py").write_text(code, encoding="utf-8")
    variables = {**os.environ, "PYTHONPATH": str(RECORDER), "PYSTATIC_RECORDS": str(tmp_path / "records")}
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=folder, env=variables, check=True, timeout=30, capture_output=True, text=True
    )
    assert done.stdout.strip() == code.strip()


def test_without_a_folder_for_records_nothing_is_written(tmp_path: Path) -> None:
    variables = {name: value for name, value in os.environ.items() if name != "PYSTATIC_RECORDS"}
    command = [sys.executable, "-c", "import sys; print(sys.modules['sitecustomize'].__file__)"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**variables, "PYTHONPATH": str(RECORDER)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(RECORDER / "sitecustomize.py")
    assert list(tmp_path.iterdir()) == []


def test_a_locale_that_is_asked_for_is_a_file_that_is_read(tmp_path: Path) -> None:
    code = (
        "import locale\ntry:\n    locale.setlocale(locale.LC_ALL, 'C.UTF-8')\nexcept locale.Error:\n    print('none')\n"
    )
    mapped = {"LC_TIME", "LC_COLLATE"} if Path("/usr/lib/locale/C.utf8").exists() else set()
    assert mapped <= {Path(path).name for path in record(tmp_path, code).files}


@pytest.mark.parametrize(
    "code",
    [
        "import unicodedata; unicodedata.name('a')",
        "from unicodedata import lookup; lookup('DIGIT ONE')",
        "'é'.encode('ascii', 'namereplace')",
        "import re; re.compile(r'\\N{DIGIT ONE}')",
    ],
)
def test_asking_for_the_name_of_a_character_is_written_down(tmp_path: Path, code: str) -> None:
    record(tmp_path, code)
    written = b"".join(path.read_bytes() for path in (tmp_path / "records").iterdir())
    assert ["loaded", "unicodedata.names"] in records_in(written)


def test_what_else_is_asked_of_characters_is_not(tmp_path: Path) -> None:
    record(tmp_path, "import unicodedata; unicodedata.normalize('NFC', 'é'); unicodedata.category('a')")
    written = b"".join(path.read_bytes() for path in (tmp_path / "records").iterdir())
    assert ["loaded", "unicodedata.names"] not in records_in(written)
