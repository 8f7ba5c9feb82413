from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.in_env.installed.elsewhere import changes
from pystatic_tasks.in_env.observe import evidence
from pystatic_tasks.in_env.observe.evidence import (
    folder_of_import,
    look_around,
    names_without,
    take,
    uses_by_occasion,
    without_tests,
)
from pystatic_tasks.in_env.observe.recorded import Records, read_records
from pystatic_tasks.in_env.protocol import Component, Exercise, Observed, ObservedAnswer, Use

FAST = f"depx/fast{EXTENSION_SUFFIXES[0]}"
EXERCISE = Exercise(
    arguments=(),
    environment={},
    folder="",
    records="",
    log="",
    port=0,
    requests=(),
    timeout=1.0,
    text=None,
    exit_code=0,
    long_running=False,
    further=(),
    further_folder="",
    module="",
    loose=(),
    built="/built",
    tools=(),
    server="",
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with packages, of which alone importlib knows."""
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(folder)])
    paths = {"purelib": str(folder), "platlib": str(folder), "stdlib": "/std", "data": str(tmp_path)}
    monkeypatch.setattr(sysconfig, "get_path", paths.get)
    return folder


def see(records: Records, tmp_path: Path, **exercise: object) -> Observed:
    asked = Exercise(**{**vars(EXERCISE), **exercise})
    return take(records, asked, look_around(asked), (), "")


def inside(site: Path, found: Observed) -> set[str]:
    """The data files, each as its place in the program; all lie there as in the environment."""
    for source, folder in found.data:
        assert Path(source).parent == site / folder
    return {str(Path(source).relative_to(site)) for source, _ in found.data}


def test_records_are_read_of_all_processes_but_for_one_that_was_cut_off(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("module\x1fshop\x1f/x/shop.py\x1fname\x1efile\x1f/x/a\x1elibrary\x1f/l.so\x1e")
    (tmp_path / "2").write_text(
        "folder\x1f/x\x1esearched\x1f/s\x1echanged\x1f/c\x1eprogram\x1fgit\x1eelse\x1f1\x1efile\x1f/x/un"
    )
    assert read_records(tmp_path) == Records(
        modules={("shop", "/x/shop.py", "name")},
        files={"/x/a"},
        folders={"/x"},
        searched={"/s"},
        changed={"/c"},
        libraries={"/l.so"},
        programs={"git"},
    )


def test_modules_of_dependencies_are_taken_and_of_the_standard_library_only_those_imported_by_name(
    tmp_path: Path, site: Path
) -> None:
    install_distribution(site, "depx", "depx/__init__.py", FAST)
    modules = {
        ("depx", f"{site}/depx/__pycache__/__init__.cpython-311.pyc", "statement"),
        ("depx.fast", f"{site}/{FAST}", "statement"),
        ("email.charset", "/std/email/__pycache__/charset.cpython-311.pyc", "statement"),
        ("encodings.idna", "/std/encodings/idna.py", "name"),
        ("elsewhere", "/opt/elsewhere.py", "name"),
    }
    found = see(Records(modules=modules), tmp_path)
    assert found.modules == ("depx", "depx.fast", "encodings.idna")
    assert found.import_paths == ()


def test_modules_of_tools_of_the_server_and_of_ours_are_not_taken(tmp_path: Path, site: Path) -> None:
    install_distribution(site, "toolx", "toolx/__init__.py")
    install_distribution(site, "Serverx", "serverx/__init__.py")
    modules = {
        ("toolx", f"{site}/toolx/__init__.py", "statement"),
        ("serverx", f"{site}/serverx/__init__.py", "statement"),
        ("pystatic_runner.main", f"{tmp_path}/pystatic_runner/main.py", "statement"),
    }
    loose = (str(tmp_path),)
    found = see(Records(modules=modules), tmp_path, tools=("toolx",), server="serverx", loose=loose)
    assert found.modules == ()


def test_a_folder_that_the_program_imports_from_is_told(tmp_path: Path, site: Path) -> None:
    (site / "shop" / "plugins").mkdir(parents=True)
    modules = {("green", f"{site}/shop/plugins/green.py", "name")}
    found = see(Records(modules=modules), tmp_path)
    assert found.modules == ("green",)
    assert found.import_paths == (f"{site}/shop/plugins",)


def test_a_module_that_is_loaded_by_its_path_is_a_file_of_data(tmp_path: Path, site: Path) -> None:
    install_distribution(site, "shopx", "shopx/__init__.py", "shopx/migrations/env.py")
    modules = {("env_py", f"{site}/shopx/migrations/__pycache__/env.cpython-311.pyc", "name")}
    found = see(Records(modules=modules), tmp_path)
    assert found.modules == ()
    assert inside(site, found) == {"shopx/migrations/env.py"}


def test_what_a_package_puts_in_its_own_place_stays_below_it(tmp_path: Path, site: Path) -> None:
    """From its folder it would be imported instead of the package."""
    extension = f"cv2/cv2{EXTENSION_SUFFIXES[0]}"
    install_distribution(site, "opencv", "cv2/__init__.py", extension)
    modules = {("cv2", f"{site}/cv2/__init__.py", "statement"), ("cv2", f"{site}/{extension}", "name")}
    found = see(Records(modules=modules), tmp_path)
    assert (found.modules, found.import_paths) == (("cv2",), ())
    assert inside(site, found) == {extension}


def test_all_modules_of_the_projects_own_distributions_are_taken_but_tests(tmp_path: Path, site: Path) -> None:
    files = ("shop/__init__.py", "shop/web.py", "shop/tests/test_web.py", "shop/__main__.py", "shop/not-a-name.py")
    install_distribution(site, "shop", *files, origin="file:///shop")
    install_distribution(site, "depx", "depx/__init__.py")
    assert see(Records(), tmp_path).modules == ("shop", "shop.web")


def test_a_data_file_brings_its_folder_and_not_that_of_another_distribution(tmp_path: Path, site: Path) -> None:
    own = ("depx/__init__.py", "depx/static/css/a.css", "depx/static/img/b.png", "depx/static/js.py", "depx/c.txt")
    install_distribution(site, "depx", *own)
    install_distribution(site, "themex", "depx/static/theme.css")
    found = see(Records(files={f"{site}/depx/static/css/a.css"}), tmp_path)
    assert inside(site, found) == {"depx/static/css/a.css", "depx/static/img/b.png"}


def test_a_data_file_beside_modules_brings_those_beside_it(tmp_path: Path, site: Path) -> None:
    install_distribution(site, "depx", "depx/__init__.py", "depx/version.txt", "depx/words.txt", "depx/static/a.css")
    found = see(Records(files={f"{site}/depx/version.txt"}), tmp_path)
    assert inside(site, found) == {"depx/version.txt", "depx/words.txt"}


@pytest.mark.parametrize("name", ["depx/fast.c", "depx/fast.h", "depx/include/fast.cpp", "depx/types.pyi", "depx/a.py"])
def test_a_source_that_is_read_comes_alone(tmp_path: Path, site: Path, name: str) -> None:
    install_distribution(site, "depx", "depx/__init__.py", name, "depx/other.c", "depx/include/notes.txt")
    found = see(Records(files={f"{site}/{name}"}), tmp_path)
    assert inside(site, found) == {name}


@pytest.mark.parametrize("name", ["depx/fast.so", "depx/a.pyc", "depx.pth"])
def test_what_only_python_reads_is_no_data(tmp_path: Path, site: Path, name: str) -> None:
    install_distribution(site, "depx", "depx/__init__.py", name)
    assert see(Records(files={f"{site}/{name}"}), tmp_path).data == ()


def test_a_data_file_that_is_found_to_be_there_comes_alone(tmp_path: Path, site: Path) -> None:
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose/local.sqlite3").touch()
    files = ("depx/__init__.py", "depx/icons/link.svg", "depx/icons/other.svg", "depx-1.0.dist-info/INSTALLER")
    install_distribution(site, "depx", *files)
    (site / "of_nobody.svg").touch()
    checked = {f"{site}/{name}" for name in (*files[:2], files[3], "depx/icons/gone.svg", "of_nobody.svg")} | {
        "/etc/hostname"
    }
    found = see(Records(checked=checked), tmp_path)
    assert inside(site, found) == {"depx/icons/link.svg"}
    database = tmp_path / "loose/local.sqlite3"
    assert see(Records(checked={str(database)}), tmp_path, loose=(str(database.parent),)).data == ()


def test_a_folder_is_looked_through_once_however_many_of_its_files_were_read(tmp_path: Path, site: Path) -> None:
    files = [f"depx/data/{number % 3}/{number}.txt" for number in range(30)]
    install_distribution(site, "depx", "depx/__init__.py", *files)
    records = Records(files={str(site / file) for file in files}, folders={str(site / "depx" / "data" / "1")})
    found = list(evidence.data_files(records, look_around(EXERCISE)))
    assert len(set(found)) == len(files)
    # Each as itself, with its folder, and with the one that was listed.
    assert len(found) == 3 * len(files)


def test_of_a_large_folder_only_the_part_is_taken_where_the_file_lies(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "LARGE_FOLDER_BYTES", 10)
    install_distribution(site, "depx", "depx/__init__.py", "depx/data/s3/a.json", "depx/data/s3/b.json", "depx/data/x")
    (site / "depx/data/x").write_bytes(b"x" * 11)
    found = see(Records(files={f"{site}/depx/data/s3/a.json"}), tmp_path)
    assert inside(site, found) == {"depx/data/s3/a.json", "depx/data/s3/b.json"}


def test_a_folder_that_was_listed_is_taken_as_if_it_was_read(tmp_path: Path, site: Path) -> None:
    install_distribution(site, "depx", "depx/__init__.py", "depx/schemas/a.json", "depx/schemas/deep/b.json")
    found = see(Records(folders={f"{site}/depx/schemas", str(site)}), tmp_path)
    assert inside(site, found) == {"depx/schemas/a.json", "depx/schemas/deep/b.json"}


def test_a_source_is_data_where_it_was_read_as_such(tmp_path: Path, site: Path) -> None:
    install_distribution(site, "depx", "depx/__init__.py", "depx/template.py", "depx/other.py")
    found = see(Records(files={f"{site}/depx/template.py"}), tmp_path)
    assert inside(site, found) == {"depx/template.py"}


def test_metadata_that_was_read_is_taken_without_paths_of_this_machine(tmp_path: Path, site: Path) -> None:
    install_distribution(site, "depx", "depx/__init__.py", "depx-1.0.dist-info/METADATA", "depx-1.0.dist-info/RECORD")
    found = see(Records(files={f"{site}/depx-1.0.dist-info/METADATA", f"{site}/depx-1.0.dist-info/RECORD"}), tmp_path)
    assert inside(site, found) == {"depx-1.0.dist-info/METADATA"}


def test_data_of_a_project_that_is_not_installed_has_its_place_by_its_folder(tmp_path: Path, site: Path) -> None:
    project = tmp_path / "project"
    for name in ("config.json", "other.json", "pages/a.html", "pages/b.html"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    files = {f"{project}/config.json", f"{project}/pages/a.html"}
    found = see(Records(files=files), tmp_path, loose=(str(project),))
    assert found.data == (
        (f"{project}/config.json", "."),
        (f"{project}/pages/a.html", "pages"),
        (f"{project}/pages/b.html", "pages"),
    )


def test_what_is_built_of_a_project_is_none_of_its_data(tmp_path: Path, site: Path) -> None:
    """Also what the program wrote into its home while it was observed, and read again."""
    project = tmp_path / "project"
    names = ("build/page.html", "build/pystatic/shop/observed/home/token.json", "build/pystatic/other/program/x.json")
    for name in names:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    found = see(
        Records(files={f"{project}/{names[1]}"}, folders={f"{project}/build"}),
        tmp_path,
        loose=(str(project),),
        built=f"{project}/build/pystatic",
    )
    assert found.data == ((f"{project}/build/page.html", "build"),)


def test_data_beside_the_packages_has_its_place_below_the_prefix(tmp_path: Path, site: Path) -> None:
    install_distribution(site, "labx", "../../share/lab/page.html.j2", "../../share/lab/parts/head.html.j2", "labx.py")
    install_distribution(site, "other", "../../share/lab/other.html.j2")
    found = see(Records(files={str(tmp_path / "share/lab/page.html.j2")}), tmp_path)
    assert found.data == (
        (str(tmp_path / "share/lab/page.html.j2"), "share/lab"),
        (str(tmp_path / "share/lab/parts/head.html.j2"), "share/lab/parts"),
    )


def test_of_the_distribution_that_holds_the_target_all_data_is_taken(tmp_path: Path, site: Path) -> None:
    install_distribution(site, "appx", "appx/__init__.py", "appx/static/a.css", "appx-1.0.dist-info/METADATA")
    install_distribution(site, "depx", "depx/__init__.py", "depx/static/b.css")
    assert inside(site, see(Records(), tmp_path, module="appx.web")) == {"appx/static/a.css"}


def test_files_of_the_system_are_told_with_their_package(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pystatic_tasks.in_env.attribution.packages import system_package

    asked: list[str] = []

    def answer(paths: list[str]) -> dict[str, object]:
        asked.extend(paths)
        return dict.fromkeys(paths, system_package("deb", "base-files", "12", "amd64", source="base-files"))

    monkeypatch.setattr(evidence, "packages_of", answer)
    found = see(Records(files={"/etc/passwd", "/etc/debian_version", "/etc/gone", "/proc/stat", "/srv/x"}), tmp_path)
    assert asked == (["/etc/debian_version"] if Path("/etc/debian_version").exists() else [])
    assert found.system_files == tuple((path, "base-files") for path in asked)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody may enter, unlike those of the tests."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_file_of_the_system_that_not_everybody_may_read_is_not_taken(
    public: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"secrets": 0o640, "settings": 0o644, "private/settings": 0o644, "entered/settings": 0o644}
    for name, mode in files.items():
        (public / name).parent.mkdir(exist_ok=True)
        (public / name).touch()
        (public / name).chmod(mode)
    (public / "private").chmod(0o750)
    (public / "entered").chmod(0o711)
    for link, leads_to in {"entered/link": "settings", "entered/out": "../private/settings"}.items():
        (public / link).symlink_to(leads_to)
    monkeypatch.setattr(evidence, "SYSTEM_DATA", (f"{public}/",))
    monkeypatch.setattr(
        evidence,
        "packages_of",
        lambda paths: {path: Component(kind="system", type="deb", name="shop") for path in paths},
    )
    found = see(Records(files={f"{public}/{name}" for name in (*files, "entered/link", "entered/out")}), public)
    taken = ("entered/link", "entered/settings", "settings")
    assert found.system_files == tuple((f"{public}/{name}", "shop") for name in taken)


LOCALE = Path("/usr/lib/locale/C.utf8")


@pytest.mark.skipif(not LOCALE.exists(), reason="there is no such locale here")
@pytest.mark.parametrize(("read", "is_taken"), [({"LC_CTYPE"}, False), ({"LC_CTYPE", "LC_TIME"}, True)])
def test_a_locale_that_the_program_asked_for_comes_along_whole(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch, read: set[str], is_taken: bool
) -> None:
    asked: list[str] = []

    def answer(paths: list[str]) -> dict[str, object]:
        asked.extend(paths)
        return {}

    monkeypatch.setattr(evidence, "packages_of", answer)
    see(Records(files={str(LOCALE / name) for name in read}), tmp_path)
    whole = {str(path) for path in LOCALE.rglob("*") if path.is_file()}
    assert set(asked) == (whole if is_taken else set())


def test_programs_are_told_by_name_and_python_is_none(tmp_path: Path, site: Path) -> None:
    assert see(Records(programs={"/usr/bin/git", "git", sys.executable, "dot"}), tmp_path).programs == ("dot", "git")


def test_answers_and_the_problem_are_handed_on(site: Path) -> None:
    answers = (ObservedAnswer(request="GET /", status=200, type="text/html"),)
    found = take(Records(), EXERCISE, look_around(EXERCISE), answers, "it failed")
    assert (found.answers, found.problem) == (answers, "it failed")


def test_of_the_files_read_for_an_answer_the_data_of_the_program_is_shown(site: Path) -> None:
    files = (str(site / "shop/page.html"), str(site / "shop/web.py"), "/etc/mime.types")
    answer = ObservedAnswer(request="GET /", status=200, type="text/html", files=files)
    assert take(Records(), EXERCISE, look_around(EXERCISE), (answer,), "").answers[0].files == ("shop/page.html",)


@pytest.mark.parametrize(
    ("name", "path", "folder"),
    [
        ("a", "/x/a.py", "/x"),
        ("a", "/x/a/__init__.py", "/x"),
        ("a.b", "/x/a/b.abi3.so", "/x"),
        ("a.b", "/x/a/b/__init__.py", "/x"),
        ("b", "/x/a.py", None),
        ("a.b", "/x/b.py", None),
    ],
)
def test_the_folder_that_a_module_is_imported_from(name: str, path: str, folder: str | None) -> None:
    assert folder_of_import(name, Path(path)) == (folder and Path(folder))


def test_what_would_be_found_the_next_time_is_told(tmp_path: Path, site: Path) -> None:
    there = tmp_path / "libthere.so.1"
    records = Records(
        files={"/usr/share/nowhere/magic", "/nowhere/else", "/etc/hosts", "/etc/timezone"},
        libraries={str(there)},
        wanted={"libthere.so.1", "libgone.so.1"},
    )
    found = see(records, tmp_path, environment={"LD_LIBRARY_PATH": "/a:/b"})
    libraries = ("/a/libgone.so.1", "/a/libthere.so.1", "/b/libgone.so.1", "/b/libthere.so.1")
    assert found.read == (*libraries, "/nowhere/else", "/usr/share/nowhere/magic")


def test_what_is_read_elsewhere_is_told_but_for_what_the_program_changes_itself(tmp_path: Path, site: Path) -> None:
    records = Records(
        modules={("rates", "/srv/rates/__pycache__/rates.cpython-313.pyc", "name"), ("csv", "/std/csv.py", "name")},
        files={"/srv/plugins.txt", "/srv/state/count.txt", f"{site}/depx/a.txt", "/std/lib.txt", "/proc/self/status"},
        folders={"/srv/plugins", "/srv/plugins/__pycache__", "/srv/state", "/srv/cache"},
        searched={"/srv/rates", "/std"},
        changed={"/srv/state/count.txt", "/srv/cache/new"},
    )
    read = {"/srv/plugins", "/srv/plugins.txt", "/srv/rates", "/srv/rates/rates.py", f"{site}/depx/a.txt"}
    assert set(see(records, tmp_path).read) == read


def test_what_was_opened_to_write_and_stayed_as_it_was_counts_as_read(tmp_path: Path, site: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    for name in ("there/rates.json", "written/rates.json"):
        (elsewhere / name).parent.mkdir(parents=True)
        (elsewhere / name).touch()
    began = 10**18
    for path in (elsewhere / "there/rates.json", elsewhere / "there"):
        os.utime(path, ns=(began - 1, began - 1))
    files = {f"{elsewhere}/{name}" for name in ("there/rates.json", "written/rates.json", "gone/rates.json")}
    folders = {f"{elsewhere}/{name}" for name in ("there", "written")}
    records = Records(files={f"{elsewhere}/there/b.txt"}, folders=folders, changed=files, updated=files)
    found = take(records, EXERCISE, look_around(EXERCISE), (), "", began)
    assert found.read == tuple(f"{elsewhere}/{name}" for name in ("there", "there/b.txt", "there/rates.json"))


def test_what_was_changed_counts_whatever_time_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "copied"
    path.touch()
    os.utime(path, (1, 1))
    assert changes([str(path)], path.stat().st_ctime_ns) == {str(path)}
    assert changes([str(path)], path.stat().st_ctime_ns + 1) == set()


def test_what_is_used_counts_on_its_first_occasion_whichever_process_uses_it(tmp_path: Path, site: Path) -> None:
    records = tmp_path / "records"
    records.mkdir()
    start = f"loaded\x1fcodecs\x1emodule\x1fshop\x1f{site}/shop.py\x1fname\x1e"
    request = f"module\x1fshop\x1f{site}/shop.py\x1fname\x1efile\x1f{site}/depx/css/a.css\x1e"
    worker = f"module\x1fcsv\x1f/std/csv.py\x1fname\x1efolder\x1f{site}/depx/img\x1efile\x1f/etc/hosts\x1e"
    (records / "1").write_text(start + request, encoding="utf-8")
    (records / "2").write_text(worker, encoding="utf-8")
    sizes = {"1": len(start + request), "2": len(worker)}
    occasions = [("start", {"1": len(start)}), ("GET /", sizes), ("end", sizes)]
    assert list(uses_by_occasion(records, occasions, look_around(EXERCISE))) == [
        Use(occasion="start", modules=("codecs", "shop"), data=()),
        Use(occasion="GET /", modules=("csv",), data=("depx/css", "depx/img")),
        Use(occasion="end", modules=(), data=()),
    ]


def test_what_only_groups_bring_and_only_the_command_loads_is_no_part_of_the_program(
    tmp_path: Path, site: Path
) -> None:
    for name in ("pytestx", "driverx", "depx"):
        install_distribution(site, name, f"{name}/__init__.py", f"{name}/a.txt", f"{name}-1.0.dist-info/x.txt")
    exercise = replace(EXERCISE, further=("pytestx", "tests"), of_groups=("pytestx", "driverx"))
    uses = [
        Use(occasion="GET /", modules=("driverx",), data=()),
        Use(occasion="pytestx tests", modules=("depx", "driverx.more", "pytestx"), data=()),
    ]
    modules = {(name, f"{site}/{name}/__init__.py", "statement") for name in ("pytestx", "driverx", "depx")}
    records = Records(modules=modules, files={f"{site}/{name}/a.txt" for name in ("pytestx", "driverx", "depx")})
    around = look_around(exercise)
    needed = without_tests(around, exercise, uses)
    assert names_without(around, needed) == {"pytestx", "pytestx-1.0.dist-info"}
    found = take(records, exercise, needed, (), "")
    assert found.modules == ("depx", "driverx")
    assert inside(site, found) == {"depx/a.txt", "driverx/a.txt"}


def test_tests_beside_code_that_is_not_installed_are_no_part_of_the_program(tmp_path: Path, site: Path) -> None:
    project = tmp_path / "project"
    own = ("shop/views.py", "shop/a.html", "shop/latest.txt")
    of_tests = ("tests/helpers.py", "tests/data/a.json", "conftest.py", "shop/test_views.py", "shop/views_test.py")
    for name in (*own, *of_tests):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    named = [name for name in (*own, *of_tests) if name.endswith(".py")]
    modules = {(name[:-3].replace("/", "."), str(project / name), "name") for name in named}
    files = {str(project / name) for name in (*own, *of_tests) if not name.endswith("views.py")}
    records = Records(modules=modules, files=files, folders={str(project / "tests/data")})
    found = see(records, tmp_path, loose=(str(project),), further=("pytest", "tests"))
    assert found.modules == ("shop.views",)
    assert {Path(source).name for source, _ in found.data} == {"a.html", "latest.txt"}
    everything = see(records, tmp_path, loose=(str(project),))
    assert "tests.helpers" in everything.modules
    assert {"a.json", "conftest.py"} <= {Path(source).name for source, _ in everything.data}
