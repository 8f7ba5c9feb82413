from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.freeze.environment import (
    declared,
    discard_outdated,
    fill_environment,
    group_requirements,
    import_paths,
    local_path,
    project_requirements,
    sources,
    wanted_contents,
)
from pystatic_tasks.system.files import source_files

from .conftest import ANEW, PYPROJECT, TOOLS, UP_TO_DATE, Environment, write


def names(folder: Path, paths: Iterable[Path]) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in paths)


# What pip is asked for.


@pytest.mark.parametrize("entry", ["falcon", "falcon[x]>=4", "falcon @ https://example.org/falcon.whl", "backend"])
def test_a_requirement_stays_as_it_is(tmp_path: Path, entry: str) -> None:
    (tmp_path / "backend").mkdir()
    assert local_path(tmp_path, entry) == entry


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        (".", ""),
        (".[web,db]", "[web,db]"),
        ("./backend", "/backend"),
        ("./backend[web]", "/backend[web]"),
        ("packages/core", "/packages/core"),
        ("backend/..", ""),
    ],
)
def test_a_path_starts_from_the_projects_folder_and_keeps_its_extras(tmp_path: Path, entry: str, path: str) -> None:
    for folder in ("backend", "packages/core"):
        (tmp_path / folder).mkdir(parents=True)
    assert local_path(tmp_path, entry) == f"{tmp_path}{path}"


def test_an_absolute_path_stays_as_it_is(tmp_path: Path) -> None:
    assert local_path(Path("/nowhere"), f"{tmp_path}[web]") == f"{tmp_path}[web]"


@pytest.mark.parametrize(("entry", "folder"), [("./backend[web]", "backend"), ("packages/core", "packages/core")])
def test_a_path_that_is_not_there_is_named(tmp_path: Path, entry: str, folder: str) -> None:
    with pytest.raises(ConfigError) as caught:
        local_path(tmp_path, entry)
    assert str(caught.value) == (
        f'tool.pystatic-tasks.install names "{entry}", and {tmp_path / folder} is not there.\nCorrect the path.'
    )


def test_an_app_is_installed_with_its_server(shop: ImageConfig) -> None:
    assert project_requirements(shop) == [str(shop.root), "gunicorn"]
    assert project_requirements(replace(shop, server={"kind": "uvicorn"})) == [str(shop.root), "uvicorn"]


def test_a_program_without_an_app_needs_no_server(shop: ImageConfig) -> None:
    assert project_requirements(replace(shop, app=None, script="run.py")) == [str(shop.root)]
    assert project_requirements(replace(shop, app=None, script="run.py", install=())) == []


def test_requirements_and_groups_are_installed_too(shop: ImageConfig) -> None:
    write(shop.root, pyproject_toml=f"{PYPROJECT}[dependency-groups]\nweb = ['redis>=5']\n", more__base_txt="x\n")
    image = replace(shop, install=(".", "gevent"), requirements=("more/base.txt",), groups=("web",))
    assert project_requirements(image) == [
        str(shop.root),
        "gevent",
        "-r",
        str(shop.root / "more/base.txt"),
        "redis>=5",
        "gunicorn",
    ]


@pytest.mark.parametrize("name", ["base.txt", "src"])
def test_a_requirements_file_that_is_not_there_is_named(shop: ImageConfig, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        project_requirements(replace(shop, requirements=(name,)))
    assert str(caught.value) == (
        f'tool.pystatic-tasks.requirements names "{name}", and there is no such file in {shop.root}.\nCorrect the name.'
    )


def test_a_requirements_file_with_hashes_is_installed_by_itself(shop: ImageConfig, environment: Environment) -> None:
    write(shop.root, base_txt="falcon==4.0.1 --hash=sha256:1\n", more_txt="x\n")
    image = replace(shop, requirements=("base.txt", "more.txt"))
    hashed, more = (str(shop.root / name) for name in image.requirements)
    assert environment.fill(image) == [["-r", hashed], [str(shop.root), "-r", more, "gunicorn"], TOOLS]


def test_a_group_brings_those_that_it_includes(shop: ImageConfig) -> None:
    groups = "[dependency-groups]\nbase = ['redis']\nWeb-UI = ['jinja2', { include-group = 'base' }]\n"
    write(shop.root, pyproject_toml=PYPROJECT + groups)
    assert group_requirements(replace(shop, groups=("web_ui",))) == ("jinja2", "redis")


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ("", "Dependency group 'web' not found"),
        ("other = []", "Dependency group 'web' not found"),
        ("web = 3", "Dependency group 'web' is not a sequence"),
        ("web = [{ include-group = 'base' }]", "Dependency group 'base' not found"),
        (
            "web = [{ include-group = 'web' }]",
            "Cyclic dependency group include while resolving web: web includes itself",
        ),
    ],
)
def test_a_wrong_group_is_named_with_the_reason(shop: ImageConfig, groups: str, reason: str) -> None:
    write(shop.root, pyproject_toml=f"{PYPROJECT}[dependency-groups]\n{groups}\n")
    with pytest.raises(ConfigError) as caught:
        group_requirements(replace(shop, groups=("web",)))
    assert str(caught.value) == f"tool.pystatic-tasks.groups = ['web']: {reason}.\nCorrect [dependency-groups]."


# What decides whether it is asked again.


@pytest.mark.parametrize(
    "text",
    [
        '[project]\nname = "shop"\ndependencies = ["flask"]\n',
        f'{PYPROJECT}[build-system]\nrequires = ["hatchling"]\n',
        f'{PYPROJECT}[dependency-groups]\nweb = ["redis"]\n',
    ],
)
def test_a_change_of_the_dependencies_is_seen(shop: ImageConfig, text: str) -> None:
    before = declared(shop)
    write(shop.root, pyproject_toml=text)
    assert declared(shop) != before


@pytest.mark.parametrize(
    "text",
    [
        '[tool.uv.sources]\nredis = { path = "../redis" }\n',
        '[tool.uv]\nconstraint-dependencies = ["redis<5"]\n',
        '[[tool.uv.index]]\nurl = "https://index.example/simple"\n',
    ],
)
def test_a_change_of_where_uv_takes_packages_from_is_seen(shop: ImageConfig, tmp_path: Path, text: str) -> None:
    backend = write(tmp_path / "backend", pyproject_toml='[project]\nname = "backend"\n')
    image = replace(shop, install=(".", str(backend)))
    found = [declared(image)]
    for folder in (shop.root, backend):
        before = (folder / "pyproject.toml").read_text(encoding="utf-8")
        write(folder, pyproject_toml=f"{before}\n{text}")
        found.append(declared(image))
    write(shop.root, uv_toml="exclude-newer = '2026-01-01T00:00:00Z'\n")
    found.append(declared(image))
    assert all(found.count(each) == 1 for each in found)


def test_a_change_of_a_tools_table_is_not_one_of_the_dependencies(shop: ImageConfig) -> None:
    before = declared(shop)
    write(shop.root, pyproject_toml=f"{PYPROJECT}[tool.ruff]\nline-length = 100\n")
    assert declared(shop) == before


@pytest.mark.parametrize("name", ["setup_py", "setup_cfg", "base_txt", "more__web_txt", "more__constraints_txt"])
def test_a_change_of_a_declaring_file_is_seen(shop: ImageConfig, name: str) -> None:
    image = replace(shop, requirements=("base.txt",))
    write(
        shop.root,
        base_txt="-r more/web.txt\n",
        more__web_txt="-r ../base.txt\nredis -c other\n  --constraint=constraints.txt\n",
    )
    write(shop.root, **{name: "one"} if name != "more__web_txt" else {})
    before = declared(image)
    write(shop.root, **{name: "two"})
    assert declared(image) != before


def test_both_the_root_and_the_project_declare(shop: ImageConfig, tmp_path: Path) -> None:
    image = replace(shop, project=write(tmp_path / "backend", pyproject_toml=PYPROJECT))
    before = declared(image)
    write(image.project, pyproject_toml='[project]\nname = "backend"\n')
    after = declared(image)
    assert after != before
    write(image.root, pyproject_toml='[project]\nname = "root"\n')
    assert declared(image) != after


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
    assert len({before, added, changed, sources(shop)}) == (3 if "node_modules" in place else 4)


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


OURS = "[tool.pystatic-tasks]\nimage.labels = { a = 'b' }\n"


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


# Filling it.


def test_an_empty_environment_gets_the_project_then_the_tools(shop: ImageConfig, environment: Environment) -> None:
    assert environment.fill(shop) == [[str(shop.root), "gunicorn"], TOOLS]


def test_a_program_that_needs_no_project_gets_the_tools_only(shop: ImageConfig, environment: Environment) -> None:
    assert environment.fill(replace(shop, app=None, script="run.py", install=())) == [TOOLS]


def test_an_environment_that_holds_all_is_left_alone(shop: ImageConfig, environment: Environment) -> None:
    environment.fill(shop)
    assert environment.fill(shop) == UP_TO_DATE


def test_changed_sources_are_installed_over_the_old_ones(shop: ImageConfig, environment: Environment) -> None:
    environment.fill(shop)
    write(shop.root, src__shop_py="app = 1\n")
    assert environment.fill(shop) == [[str(shop.root), "gunicorn"]]
    assert environment.fill(shop) == UP_TO_DATE


def test_a_change_of_our_own_table_installs_nothing(shop: ImageConfig, environment: Environment) -> None:
    environment.fill(shop)
    write(shop.root, pyproject_toml=PYPROJECT + OURS)
    assert environment.fill(shop) == UP_TO_DATE


@pytest.mark.parametrize(("file", "is_read"), [("shop/pyproject.toml", True), ("pyproject.toml.in", False)])
@pytest.mark.parametrize("origin", ["file:///shop", "https://example.org/shop.whl"])
def test_a_pyproject_toml_that_is_installed_counts_as_it_is(
    shop: ImageConfig, environment: Environment, file: str, is_read: bool, origin: str
) -> None:
    site = environment.folder / "lib/python3.12/site-packages"
    install_distribution(site, "shop", "shop/__init__.py", file, origin=origin)
    environment.fill(shop)
    write(shop.root, pyproject_toml=PYPROJECT + OURS)
    anew = is_read and origin.startswith("file:")
    assert environment.fill(shop) == ([[str(shop.root), "gunicorn"]] if anew else UP_TO_DATE)


def test_changed_requirements_make_the_environment_anew(shop: ImageConfig, environment: Environment) -> None:
    environment.fill(shop)
    assert environment.fill(replace(shop, install=(".", "gevent"))) == [
        *ANEW,
        [str(shop.root), "gevent", "gunicorn"],
        TOOLS,
    ]


def test_a_folder_that_a_dependency_names_is_installed_again_when_it_changed(
    shop: ImageConfig, environment: Environment, tmp_path: Path
) -> None:
    dependency = write(tmp_path / "a b", x_py="one")
    site = environment.folder / "lib/python3.12/site-packages"
    install_distribution(site, "x", "x.py", origin=dependency.as_uri())
    again = ["--no-deps", str(dependency)]
    assert environment.fill(shop) == [[str(shop.root), "gunicorn"], again, TOOLS]
    assert environment.fill(shop) == UP_TO_DATE
    write(dependency, x_py="two")
    assert environment.fill(shop) == [*ANEW, [str(shop.root), "gunicorn"], again, TOOLS]


def test_nothing_is_left_of_what_setuptools_built_for_a_dependency(
    shop: ImageConfig, environment: Environment, tmp_path: Path
) -> None:
    """It would pack a module that is gone from the sources."""
    dependency = write(tmp_path / "x", x_py="", build__pystatic__shop__setuptools__lib__gone_py="", build__y_py="")
    install_distribution(environment.folder / "lib/python3.12/site-packages", "x", "x.py", origin=dependency.as_uri())
    environment.fill(shop)
    assert names(dependency, filter(Path.is_file, dependency.rglob("*"))) == ["build/y.py", "x.py"]


def test_a_wheel_that_a_dependency_names_is_installed_again_when_it_changed(
    shop: ImageConfig, environment: Environment, tmp_path: Path
) -> None:
    wheel = tmp_path / "x-1.0-py3-none-any.whl"
    wheel.write_text("one", encoding="utf-8")
    install_distribution(environment.folder / "lib/python3.12/site-packages", "x", "x.py", origin=wheel.as_uri())
    environment.fill(shop)
    assert environment.fill(shop) == UP_TO_DATE
    wheel.write_text("two", encoding="utf-8")
    assert environment.fill(shop) == [*ANEW, [str(shop.root), "gunicorn"], TOOLS]


def test_a_folder_that_changes_while_it_is_installed_is_installed_again(
    shop: ImageConfig, environment: Environment, tmp_path: Path
) -> None:
    dependency = write(tmp_path / "x", x_py="one")
    site = environment.folder / "lib/python3.12/site-packages"
    install_distribution(site, "x", "x.py", origin=dependency.as_uri())
    moment = time.time() + 10
    os.utime(dependency / "x.py", (moment, moment))
    environment.fill(shop)
    assert environment.fill(shop)[:2] == ANEW


@pytest.mark.parametrize(("place", "file"), [("wheels", "wheels/x.whl"), ("wheels.html", "wheels.html")])
def test_what_is_in_a_folder_or_a_page_that_is_searched_counts(shop: ImageConfig, place: str, file: str) -> None:
    image, path = replace(shop, requirements=("base.txt",)), shop.root / file
    write(shop.root, base_txt=f"--find-links {place}\nx\n")
    path.parent.mkdir(exist_ok=True)
    path.write_text("one", encoding="utf-8")
    before = declared(image)
    path.write_text("another", encoding="utf-8")
    assert declared(image) != before


@pytest.mark.parametrize(
    "text",
    [
        '[tool.uv]\nfind-links = ["wheels"]\n',
        '[tool.uv.pip]\nfind-links = ["./wheels"]\n',
        '[[tool.uv.index]]\nname = "ours"\nurl = "wheels"\nformat = "flat"\n',
        '[tool.uv]\nindex-url = "https://index.example/simple"\nextra-index-url = ["file://{root}/wheels"]\n',
    ],
)
def test_what_is_in_a_folder_that_uv_searches_counts(shop: ImageConfig, text: str) -> None:
    path = shop.root / "wheels" / "x-1.0-py3-none-any.whl"
    write(shop.root, pyproject_toml=PYPROJECT + text.format(root=shop.root))
    path.parent.mkdir()
    before = declared(shop)
    path.touch()
    assert declared(shop) != before


def test_what_setup_py_needs_no_more_does_not_stay(shop: ImageConfig, environment: Environment) -> None:
    site = environment.folder / "lib/python3.12/site-packages"
    install_distribution(site, "shop", "shop.py", requires=["redis"], origin=shop.root.as_uri())
    environment.fill(shop)
    write(shop.root, src__shop_py="app = 1\n")
    project = [str(shop.root), "gunicorn"]

    def install(requirements: Sequence[str]) -> None:
        environment.asked.append(list(requirements))
        metadata = next(site.glob("shop-*/METADATA"))
        metadata.write_text(metadata.read_text(encoding="utf-8").replace("redis", "idna"), encoding="utf-8")

    environment.asked.clear()
    context = replace(environment.context(), install=install)
    fill_environment(shop, context, wanted_contents(shop, context))
    anew = ["other dependencies: making the build environment anew", "recreate"]
    assert environment.asked == [project, *anew, project, TOOLS]


def test_another_interpreter_makes_the_environment_anew(shop: ImageConfig, environment: Environment) -> None:
    environment.fill(shop)
    assert environment.fill(shop, wanted_python="3.13") == [*ANEW, [str(shop.root), "gunicorn"], TOOLS]


def test_an_environment_of_unknown_contents_is_made_anew(shop: ImageConfig, environment: Environment) -> None:
    context = replace(environment.context(), reuses_environment=True)
    discard_outdated(context, wanted_contents(shop, context))
    assert environment.asked[-2:] == ANEW


def test_without_the_cache_the_environment_is_made_anew(shop: ImageConfig, environment: Environment) -> None:
    environment.fill(shop)
    assert environment.fill(shop, use_cache=False) == [*ANEW, [str(shop.root), "gunicorn"], TOOLS]


def test_a_new_environment_is_not_made_anew(shop: ImageConfig, environment: Environment) -> None:
    assert environment.fill(shop, use_cache=False) == [[str(shop.root), "gunicorn"], TOOLS]


def test_a_lost_interpreter_is_made_anew(shop: ImageConfig, environment: Environment) -> None:
    environment.fill(shop)
    (environment.folder / "bin/python").unlink()
    assert environment.fill(shop)[:2] == ANEW


def test_a_broken_marker_is_none(shop: ImageConfig, environment: Environment) -> None:
    environment.fill(shop)
    for text in ("{", "{}", "[]", '{"python": "3.12"}'):
        environment.marker.write_text(text, encoding="utf-8")
        assert environment.fill(shop)[-1] == TOOLS


def test_an_installation_that_failed_is_done_again(shop: ImageConfig, environment: Environment) -> None:
    def fail(_: Sequence[str]) -> None:
        raise RuntimeError

    context = replace(environment.context(), install=fail)
    with pytest.raises(RuntimeError):
        fill_environment(shop, context, wanted_contents(shop, context))
    assert environment.fill(shop)[:2] == ANEW


def test_with_no_install_neither_the_environment_nor_its_marker_is_touched(
    shop: ImageConfig, environment: Environment
) -> None:
    environment.fill(shop)
    before = environment.marker.read_bytes()
    write(shop.root, src__shop_py="app = 1\n")
    outdated = replace(shop, install=(".", "gevent"))
    for image, python in ((shop, "3.12"), (outdated, "3.12"), (shop, "3.13")):
        asked = environment.fill(image, installs=False, use_cache=False, wanted_python=python)
        assert asked == ["build environment is used as it is"]
        assert environment.marker.read_bytes() == before
    assert environment.fill(shop) == [[str(shop.root), "gunicorn"]]
