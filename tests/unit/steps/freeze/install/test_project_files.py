from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.steps.freeze.install.project_files import import_paths, script_folder, sources
from pystatic_tasks.system.files import source_files

from ..conftest import OURS, PYPROJECT, UP_TO_DATE, Environment, names, write


def test_a_folder_that_becomes_a_link_counts_though_the_same_lies_there(shop: ImageConfig) -> None:
    """What is packed or taken as data may follow no link."""
    write(shop.root / "shop/data", a_txt="a")
    before = sources(shop)
    shutil.move(shop.root / "shop/data", shop.root.parent / "data")
    (shop.root / "shop/data").symlink_to("../../data")
    linked = sources(shop)
    (shop.root / "shop/data").unlink()
    (shop.root / "shop/data").symlink_to(shop.root.parent / "data")
    assert before != linked != sources(shop)


def test_all_files_but_those_of_tools_are_sources(shop: ImageConfig) -> None:
    write(
        shop.root,
        build__x_txt="",
        dist__x_whl="",
        src__build__x_txt="",
        src__shop_css="",
        node_modules__x_js="",
        shop_egg="",
        env__pyvenv_cfg="",
        env__lib_py="",
    )
    write(shop.root / "src/shop.egg-info", PKG_INFO="")
    write(shop.root / "src/__pycache__", shop_pyc="")
    write(shop.root / ".mypy_cache", x_json="")
    (shop.root / ".env").touch()
    (shop.root / 'größe "1"\n.txt').touch()
    (shop.root / "loop").symlink_to(shop.root)
    (shop.root / "broken").symlink_to("nowhere")
    found = names(shop.root, source_files(shop.root))
    assert found == [
        ".env",
        'größe "1"\n.txt',
        "pyproject.toml",
        "shop.egg",
        "src/build/x.txt",
        "src/shop.css",
        "src/shop.py",
    ]


@pytest.mark.parametrize(
    "place",
    [
        "src/shop/static/.well-known/security.txt",
        ".config/shop.toml",
        "src/shop/node_modules/x/x.js",
        "node_modules/x/x.js",
        "build/static/app.js",
        "dist/app.css",
        "dist/lib/app.js",
        "build/lib/app.js",
        "src/build/x",
    ],
)
def test_a_file_that_may_be_packed_is_a_source_in_whatever_folder(shop: ImageConfig, place: str) -> None:
    before = sources(shop)
    path = shop.root / place
    path.parent.mkdir(parents=True)
    path.write_text("one", encoding="utf-8")
    added = sources(shop)
    path.write_text("another", encoding="utf-8")
    changed = sources(shop)
    path.chmod(0o755)
    assert len({before, added, changed, sources(shop)}) == 4


@pytest.mark.parametrize(
    "beside",
    [
        {"CMakeCache.txt", "CMakeFiles", "__init__.py"},
        {"CMakeCache.txt", "CMakeFiles", "CMakeLists.txt"},
        {"build.ninja", ".ninja_log", "__init__.py"},
        {"pyvenv.cfg", "CACHEDIR.TAG", "__init__.py"},
        {"build.ninja"},
        {"CMakeCache.txt"},
    ],
)
def test_a_mark_among_what_people_wrote_is_none(shop: ImageConfig, beside: set[str]) -> None:
    page = shop.root / "src/shop/page.html"
    page.parent.mkdir()
    for name in beside:
        (page.parent / name).touch()
    page.write_text("one", encoding="utf-8")
    before = sources(shop)
    page.write_text("another", encoding="utf-8")
    assert sources(shop) != before


@pytest.mark.parametrize(
    "place",
    [
        ".git/index",
        "src/shop/__pycache__/x.pyc",
        "src/shop.egg-info/PKG-INFO",
        ".venv/x.py",
        ".mypy_cache/x.json",
        "out/cmake/x.o",
        "out/meson/x.o",
        "build/pystatic/shop/x",
        "services/api/build/pystatic/shop/x",
        "dist/pystatic/shop/image.tar",
    ],
)
def test_what_tools_make_again_is_no_source(shop: ImageConfig, place: str) -> None:
    write(shop.root / ".venv", pyvenv_cfg="")
    write(shop.root / ".mypy_cache", CACHEDIR_TAG="")
    write(shop.root / "out/cmake", CMakeCache_txt="", CMakeFiles__cmake_check_cache="")
    write(shop.root / "out/meson", build_ninja="")
    write(shop.root / "services/api", pyproject_toml="")
    (shop.root / "out/meson/.ninja_log").touch()
    before = sources(shop)
    path = shop.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert sources(shop) == before


def test_the_sources_hash_follows_names_and_contents_but_no_place(shop: ImageConfig, tmp_path: Path) -> None:
    before = sources(shop)
    moved = shop.root.rename(tmp_path / "moved")
    image = replace(shop, root=moved, project=moved)
    assert sources(image) == before
    write(moved, src__shop_py="app = 1\n")
    changed = sources(image)
    assert changed != before
    (moved / "src/shop.py").rename(moved / "src/store.py")
    assert sources(image) not in (before, changed)


@pytest.mark.parametrize("place", ["pyproject_toml", "services__api__pyproject_toml"])
def test_our_own_table_is_no_source_and_all_others_are(shop: ImageConfig, place: str) -> None:
    write(shop.root, **{place: PYPROJECT})
    before = sources(shop)
    write(shop.root, **{place: f"# why\n{PYPROJECT}{OURS}"})
    assert sources(shop) == before
    others = [
        f"{PYPROJECT}[tool.setuptools]\ninclude-package-data = false\n",
        PYPROJECT + "scripts = { a = 'a:a', b = 'b:b' }\n",
        PYPROJECT + "scripts = { b = 'b:b', a = 'a:a' }\n",
        PYPROJECT + "[tool\n",
        PYPROJECT + "[tool\n\n",
    ]
    seen = {before}
    for text in others:
        write(shop.root, **{place: text})
        seen.add(sources(shop))
    assert len(seen) == 1 + len(others)


def test_who_may_execute_a_pyproject_toml_counts(shop: ImageConfig) -> None:
    """It may be packed under another name."""
    before = sources(shop)
    (shop.root / "pyproject.toml").chmod(0o755)
    assert sources(shop) != before


def test_a_file_that_holds_our_own_table_alone_is_a_source_by_its_name(shop: ImageConfig) -> None:
    write(shop.root, pyproject_toml=OURS)
    before = sources(shop)
    write(shop.root, pyproject_toml=OURS.replace("a =", "b ="))
    assert sources(shop) == before
    (shop.root / "pyproject.toml").unlink()
    assert sources(shop) != before


HATCH = '[project]\nname = "shop"\nversion = "1.0"\n[build-system]\nrequires = ["hatchling"]\n'


@pytest.mark.parametrize(
    ("text", "commit", "files"),
    [
        ('[project]\nname = "shop"\nversion = "1.0"\n', False, False),
        (HATCH, False, False),
        (HATCH.replace("hatchling", "poetry-core>=2"), False, True),
        (HATCH.replace('["hatchling"]', '["setuptools", "setuptools-scm"]'), False, True),
        ('[project]\nname = "shop"\ndynamic = ["version"]\n', True, True),
        ('[tool.poetry]\nname = "shop"\n', True, True),
        ("", True, True),
        ("[tool\n", True, True),
        ("project.dynamic = 1\nbuild-system = 1\n", False, False),
        ("project.dynamic = [1]\nbuild-system.requires = [1]\n", False, False),
    ],
)
def test_of_git_counts_what_a_version_and_what_is_packed_may_follow_from(
    shop: ImageConfig, text: str, commit: bool, files: bool
) -> None:
    write(shop.root, pyproject_toml=text)
    command = ["git", "-C", str(shop.root)]
    subprocess.run([*command, "init", "--quiet"], check=True)
    before = sources(shop)
    subprocess.run([*command, "add", "pyproject.toml"], check=True)
    added = sources(shop)
    assert (added != before) is files
    subprocess.run([*command, "symbolic-ref", "HEAD", "refs/heads/other"], check=True)
    assert (sources(shop) != added) is commit


def another_branch_counts(shop: ImageConfig) -> bool:
    """Whether the project, in a repository of its own, is another one to its build on another branch."""
    command = ["git", "-C", str(shop.root)]
    subprocess.run([*command, "init", "--quiet"], check=True)
    before = sources(shop)
    subprocess.run([*command, "symbolic-ref", "HEAD", "refs/heads/other"], check=True)
    return sources(shop) != before


@pytest.mark.parametrize(
    ("program", "counts"),
    [
        ("subprocess.check_output(['git', 'rev-parse', 'HEAD'])", True),
        ("setup(url='https://github.com/shop/shop')", False),
    ],
)
@pytest.mark.parametrize("name", ["setup.py", "hatch_build.py", "pdm_build.py"])
def test_a_commit_counts_where_a_program_of_the_build_may_write_it_down(
    shop: ImageConfig, name: str, program: str, counts: bool
) -> None:
    write(shop.root, pyproject_toml=HATCH)
    (shop.root / name).write_text(program, encoding="utf-8")
    assert another_branch_counts(shop) is counts


@pytest.mark.parametrize(
    ("files", "counts"),
    [
        ({"setup.py": "from tools import stamp", "tools/stamp.py": "run(['git'])"}, True),
        ({"setup.py": "from tools import stamp", "tools/stamp.py": "run(['hg'])"}, False),
        ({"tools/stamp.py": "run(['git'])"}, False),
        ({"pyproject.toml": HATCH + "[tool.hatch.build.hooks.custom]\npath = 'x.py'\n", "x.py": "git = 1"}, True),
        ({"pyproject.toml": HATCH + "[tool.pdm.build]\ncustom-hook = 'x.py'\n", "x.py": "git = 1"}, True),
        ({"pyproject.toml": HATCH + "[tool.poetry.build]\nscript = 'x.py'\n", "x.py": "git = 1"}, True),
        ({"pyproject.toml": HATCH + "[build-system]\nbackend-path = ['.']\n", "x.py": "git = 1"}, True),
        ({"setup.cfg": "[options]\ncmdclass =\n  build = x.Build\n", "x.py": "git = 1"}, True),
    ],
)
def test_a_commit_counts_where_any_module_of_a_project_with_code_for_its_build_may_do_so(
    shop: ImageConfig, files: dict[str, str], counts: bool
) -> None:
    for name, text in {"pyproject.toml": HATCH, **files}.items():
        (shop.root / name).parent.mkdir(exist_ok=True)
        (shop.root / name).write_text(text, encoding="utf-8")
    assert another_branch_counts(shop) is counts


@pytest.mark.parametrize(
    ("text", "counts"), [(HATCH, False), ('[project]\nname = "shop"\ndynamic = ["version"]\n', True)]
)
def test_a_change_anywhere_in_the_repository_counts_where_a_version_may_tell_of_it(
    shop: ImageConfig, monkeypatch: pytest.MonkeyPatch, text: str, counts: bool
) -> None:
    monkeypatch.delenv("GIT_CEILING_DIRECTORIES")
    write(shop.root, pyproject_toml=text)
    beside = shop.root.parent / "notes.txt"
    beside.write_text("before", encoding="utf-8")
    git = ["git", "-C", str(shop.root.parent), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "x"]):
        subprocess.run([*git, *command], check=True)
    before = sources(shop)
    beside.write_text("afterwards", encoding="utf-8")
    changed = sources(shop)
    assert (changed != before) is counts
    subprocess.run([*git, "add", "."], check=True)
    assert sources(shop) == changed


@pytest.mark.parametrize(
    ("text", "counts"), [(HATCH, False), ('[project]\nname = "shop"\ndynamic = ["version"]\n', True)]
)
@pytest.mark.parametrize(
    "variable", ["SETUPTOOLS_SCM_PRETEND_VERSION", "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_SHOP", "PDM_BUILD_SCM_VERSION"]
)
def test_a_version_that_the_caller_gives_counts_where_no_other_stands(
    shop: ImageConfig, monkeypatch: pytest.MonkeyPatch, text: str, variable: str, counts: bool
) -> None:
    write(shop.root, pyproject_toml=text)
    before = sources(shop)
    monkeypatch.setenv(variable, "2.0")
    assert (sources(shop) != before) is counts


@pytest.mark.parametrize(
    "text",
    [
        'project.readme = "../data/a.txt"',
        '[tool.hatch.build.targets.wheel.force-include]\n"../data/a.txt" = "shop/a.txt"',
        '[tool.setuptools]\npackage-dir = { shop = "../data" }',
        '[tool.poetry]\npackages = [{ include = "shop", from = "../data" }]',
        '[tool.hatch.version]\npath = "../data/a.txt"',
    ],
)
def test_what_the_backend_is_told_to_take_from_elsewhere_counts(shop: ImageConfig, text: str) -> None:
    write(shop.root, pyproject_toml=text)
    seen = [sources(shop)]
    path = shop.root.parent / "data/a.txt"
    path.parent.mkdir()
    for content in ("one", "another"):
        path.write_text(content, encoding="utf-8")
        assert sources(shop) not in seen
        seen.append(sources(shop))
    path.chmod(0o755)
    assert sources(shop) not in seen


def test_nothing_is_installed_again_where_nothing_of_the_project_is_installed(
    shop: ImageConfig, environment: Environment
) -> None:
    shop = replace(shop, install=())
    environment.fill(shop)
    (shop.root / "shop.py").write_text("x = 1\n", encoding="utf-8")
    subprocess.run(["git", "-C", str(shop.root), "init", "--quiet"], check=True)
    assert environment.fill(shop) == UP_TO_DATE


def test_every_folder_that_is_installed_counts_as_sources(shop: ImageConfig, tmp_path: Path) -> None:
    for name in ("backend", "shared"):
        write(tmp_path / "shop" / name, x_py="one")
    image = replace(shop, install=("falcon", "./backend[web]", "./shared"))
    before = sources(image)
    write(shop.root, src__shop_py="app = 1\n")
    assert sources(image) == before
    for name in ("backend", "shared"):
        write(shop.root / name, x_py="two")
        assert sources(image) != before
        write(shop.root / name, x_py="one")


def test_a_project_that_is_not_installed_is_imported_from_its_folders(shop: ImageConfig) -> None:
    assert import_paths(shop) == []
    assert import_paths(replace(shop, install=())) == [str(shop.root), str(shop.root / "src")]


def test_a_script_beside_the_project_imports_what_lies_beside_it(shop: ImageConfig) -> None:
    for script, folder in (("bin/job.py", shop.root / "bin"), ("../other/job.py", shop.root.parent / "other")):
        assert script_folder(replace(shop, app=None, script=script)) == [str(folder)]
