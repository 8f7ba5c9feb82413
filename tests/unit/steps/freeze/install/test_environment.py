from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from support import install_distribution, tool_or_skip

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.steps.freeze.install.asked_for import declared
from pystatic_tasks.steps.freeze.install.environment import (
    discard_outdated,
    fill_environment,
    install_variables,
    wanted_contents,
)
from pystatic_tasks.steps.meanwhile import now

from ..conftest import ANEW, OURS, PYPROJECT, TOOLS, UP_TO_DATE, Environment, names, write

# Files are stamped by a clock that goes in steps of up to ten milliseconds.
SLOWER_THAN_CLOCKS = 0.02


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


@pytest.mark.parametrize("place", [".", "../rates"])
def test_what_is_editable_is_installed_whole(
    shop: ImageConfig, environment: Environment, tmp_path: Path, place: str
) -> None:
    folder = (shop.root / place).resolve()
    folder.mkdir(exist_ok=True)
    site = environment.folder / "lib/python3.12/site-packages"
    install_distribution(site, "x", "x.pth", origin=folder.as_uri(), is_editable=True)
    assert environment.fill(shop) == [[str(shop.root), "gunicorn"], ["--no-deps", str(folder)], TOOLS]


def test_what_became_editable_once_more_is_installed_whole(shop: ImageConfig, environment: Environment) -> None:
    site = environment.folder / "lib/python3.12/site-packages"
    install_distribution(site, "x", "x.pth", origin=shop.root.as_uri(), is_editable=True)
    environment.fill(shop)
    write(shop.root, more_py="")
    assert environment.fill(shop) == [[str(shop.root), "gunicorn"], ["--no-deps", str(shop.root)]]


def test_nothing_is_left_of_what_setuptools_built_for_a_dependency(
    shop: ImageConfig, environment: Environment, tmp_path: Path
) -> None:
    """It would pack a module that is gone from the sources."""
    dependency = write(tmp_path / "x", x_py="", build__pystatic__shop__setuptools__lib__gone_py="", build__y_py="")
    install_distribution(environment.folder / "lib/python3.12/site-packages", "x", "x.py", origin=dependency.as_uri())
    environment.fill(shop)
    assert names(dependency, filter(Path.is_file, dependency.rglob("*"))) == ["build/y.py", "x.py"]


LINK_REMEDY = "Remove it. To build in another place, make build/ or dist/ itself a link that git does not track."


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder with a package named like one of a build's folders; it stays as it is."""
    folder = write(tmp_path / "site-packages", setuptools__module_py="precious")
    yield folder
    assert names(folder, folder.rglob("*")) == ["setuptools", "setuptools/module.py"]


def refused(environment: Environment, shop: ImageConfig, link: Path) -> list[object]:
    """What was asked of the environment until the link ended the build."""
    with pytest.raises(PystaticError) as caught:
        environment.fill(shop)
    assert str(caught.value) == f"{link} is a link, and a build would write to its target.\n{LINK_REMEDY}"
    return environment.asked


def named_in_install(shop: ImageConfig, lib: Path) -> ImageConfig:
    return replace(shop, install=(".", os.path.relpath(lib, shop.root)))


def named_by_url(shop: ImageConfig, lib: Path) -> ImageConfig:
    return replace(shop, install=(".", f"lib @ {lib.as_uri()}"))


def a_dependency(shop: ImageConfig, lib: Path) -> ImageConfig:
    write(shop.root, pyproject_toml=PYPROJECT.replace('"falcon"', f'"falcon", "lib[fast] @ {lib.as_uri()}"'))
    return shop


def an_extra(shop: ImageConfig, lib: Path) -> ImageConfig:
    extra = f"[project.optional-dependencies]\nall = [\"lib @ {lib.as_uri()} ; python_version > '3'\"]\n"
    write(shop.root, pyproject_toml=PYPROJECT + extra)
    return shop


def a_dependency_of_a_dependency(shop: ImageConfig, lib: Path) -> ImageConfig:
    depends = f'[project]\nname = "between"\ndependencies = ["lib @ {lib.as_uri()}"]\n'
    return a_dependency(shop, write(lib.parent / "a b", pyproject_toml=depends))


def in_a_group(shop: ImageConfig, lib: Path) -> ImageConfig:
    write(shop.root, pyproject_toml=f'{PYPROJECT}[dependency-groups]\nall = ["lib @ {lib.as_uri()}"]\n')
    return replace(shop, groups=("all",))


def in_a_requirements_file(line: str) -> Callable[[ImageConfig, Path], ImageConfig]:
    def change(shop: ImageConfig, lib: Path) -> ImageConfig:
        write(shop.root, requirements_txt="-r more.txt\n", more_txt=line.format(lib=lib, uri=lib.as_uri()))
        return replace(shop, requirements=("requirements.txt",))

    return change


def of_a_lock(shop: ImageConfig, lib: Path) -> ImageConfig:
    lib_there = f'[[package]]\nname = "lib"\nsource = {{ directory = "{os.path.relpath(lib, shop.root)}" }}\n'
    needs = 'dependencies = [{ name = "lib" }]\n[package.metadata]\nrequires-dist = [{ name = "falcon" }]\n'
    write(
        shop.root, uv_lock=f'version = 1\n[[package]]\nname = "shop"\nsource = {{ editable = "." }}\n{needs}{lib_there}'
    )
    return shop


@pytest.mark.parametrize("name", ["build/pystatic", "build/pystatic/shop", "build/pystatic/shop/setuptools"])
@pytest.mark.parametrize(
    "change",
    [
        named_in_install,
        named_by_url,
        a_dependency,
        an_extra,
        a_dependency_of_a_dependency,
        in_a_group,
        in_a_requirements_file("lib @ {uri}\n"),
        in_a_requirements_file("{uri}  # fast\n"),
        in_a_requirements_file("{lib}\n"),
        in_a_requirements_file("../lib\n"),
        in_a_requirements_file("../lib[fast] ; python_version > '3'\n"),
        in_a_requirements_file("-e ../lib\n"),
        of_a_lock,
    ],
)
def test_nothing_is_built_or_removed_through_a_link_of_a_folder_that_is_installed(
    shop: ImageConfig,
    environment: Environment,
    tmp_path: Path,
    site: Path,
    change: Callable[[ImageConfig, Path], ImageConfig],
    name: str,
) -> None:
    lib = write(tmp_path / "lib", pyproject_toml='[project]\nname = "lib"\n')
    link = lib / name
    link.parent.mkdir(parents=True)
    link.symlink_to(site)
    assert refused(environment, change(shop, lib), link) == []


def test_nor_of_one_that_only_an_installer_finds(
    shop: ImageConfig, environment: Environment, tmp_path: Path, site: Path
) -> None:
    lib = write(tmp_path / "lib", build__pystatic__x_txt="")
    (lib / "build/pystatic/shop").symlink_to(site)
    install_distribution(environment.folder / "lib/python3.12/site-packages", "x", "x.py", origin=lib.as_uri())
    # At first it knows nothing of what is installed, later it does.
    assert [str(lib)] not in refused(environment, shop, lib / "build/pystatic/shop")
    assert refused(environment, shop, lib / "build/pystatic/shop") == []


def test_the_build_folder_of_one_may_be_a_link_of_the_users_own(
    shop: ImageConfig, environment: Environment, tmp_path: Path
) -> None:
    lib = write(tmp_path / "lib", pyproject_toml='[project]\nname = "lib"\n')
    scratch = write(tmp_path / "scratch", pystatic__shop__setuptools__lib__gone_py="", y_py="")
    (lib / "build").symlink_to(scratch)
    subprocess.run(["git", "init", "--quiet", lib], check=True)
    environment.fill(named_in_install(shop, lib))
    assert names(scratch, filter(Path.is_file, scratch.rglob("*"))) == ["y.py"]
    subprocess.run(["git", "-C", lib, "add", "build"], check=True)
    write(lib, x_py="")
    assert refused(environment, named_in_install(shop, lib), lib / "build") == []


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

    def change() -> None:
        write(dependency, x_py="two")
        os.utime(dependency / "x.py", (1, 1))

    environment.meanwhile = change
    environment.fill(shop)
    environment.meanwhile = lambda: None
    assert environment.fill(shop)[:2] == ANEW
    assert environment.fill(shop) == UP_TO_DATE


def to_and_fro(file: Path) -> Callable[[], object]:
    """What gives a file another content, and its own again, as `git stash` and `git stash pop` do."""
    before = file.read_bytes()

    def change() -> None:
        time.sleep(SLOWER_THAN_CLOCKS)
        file.write_bytes(b"another")
        file.write_bytes(before)

    return change


def test_sources_that_change_and_change_back_while_they_are_installed_are_installed_again(
    shop: ImageConfig, environment: Environment
) -> None:
    environment.meanwhile = to_and_fro(shop.root / "src/shop.py")
    environment.fill(shop)
    environment.meanwhile = lambda: None
    assert environment.fill(shop) == [[str(shop.root), "gunicorn"]]
    assert environment.fill(shop) == UP_TO_DATE


def test_sources_that_are_other_ones_only_between_the_look_at_them_and_the_next_are_installed_again(
    shop: ImageConfig, environment: Environment
) -> None:
    file = shop.root / "src/shop.py"
    before = file.read_bytes()

    def change() -> None:
        time.sleep(SLOWER_THAN_CLOCKS)
        file.write_bytes(b"another")

    environment.before = change
    environment.fill(shop)
    environment.before = lambda: None
    file.write_bytes(before)
    assert environment.fill(shop) == [[str(shop.root), "gunicorn"]]
    assert environment.fill(shop) == UP_TO_DATE


def test_what_comes_and_goes_while_it_is_installed_is_looked_for_again(
    shop: ImageConfig, environment: Environment
) -> None:
    def change() -> None:
        time.sleep(SLOWER_THAN_CLOCKS)
        write(shop.root, src__more_py="")
        (shop.root / "src/more.py").unlink()

    environment.meanwhile = change
    environment.fill(shop)
    environment.meanwhile = lambda: None
    assert environment.fill(shop) == [[str(shop.root), "gunicorn"]]


def test_requirements_that_change_and_change_back_make_the_environment_anew(
    shop: ImageConfig, environment: Environment
) -> None:
    write(shop.root, base_txt="idna\n")
    image = replace(shop, requirements=("base.txt",))
    environment.meanwhile = to_and_fro(shop.root / "base.txt")
    environment.fill(image)
    environment.meanwhile = lambda: None
    assert environment.fill(image)[:2] == ANEW
    assert environment.fill(image) == UP_TO_DATE


@pytest.mark.parametrize("folder", ["shop", "rates"])
def test_what_the_build_writes_each_time_is_installed_once_more(
    shop: ImageConfig, environment: Environment, tmp_path: Path, folder: str
) -> None:
    """A build backend writes the version into a module, whether or not it stands there."""
    shop.work.mkdir(parents=True)
    rates = write(tmp_path / "rates", x_py="one")
    install_distribution(environment.folder / "lib/python3.12/site-packages", "x", "x.py", origin=rates.as_uri())

    def change() -> None:
        time.sleep(SLOWER_THAN_CLOCKS)
        write(tmp_path / folder, version_py="1.0")
        (tmp_path / folder / "scratch").mkdir()
        shutil.rmtree(tmp_path / folder / "scratch")

    environment.meanwhile = change
    assert environment.fill(shop) != UP_TO_DATE
    assert environment.fill(shop) != UP_TO_DATE
    assert environment.fill(shop) == UP_TO_DATE
    write(tmp_path / folder, x_py="two")
    assert environment.fill(shop) != UP_TO_DATE
    assert environment.fill(shop) == UP_TO_DATE


def test_what_is_written_over_in_an_environment_is_not_so_in_the_next(shop: ImageConfig, tmp_path: Path) -> None:
    """uv would link the files from its cache, so that they are the same ones there and in each environment."""
    uv = tool_or_skip("uv")
    wheel = tmp_path / "x-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("x/data.json", "{}")
        archive.writestr("x-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: x\nVersion: 1.0\n")
        archive.writestr("x-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("x-1.0.dist-info/RECORD", "x/data.json,,\n")

    def data_installed(folder: Path) -> Path:
        command = [uv, "pip", "install", "--offline", "--no-index", "--target", str(folder), str(wheel)]
        variables = {**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache"), **install_variables(shop)}
        subprocess.run(command, env=variables, capture_output=True, check=True)
        return folder / "x/data.json"

    data_installed(tmp_path / "one").write_text("written over", encoding="utf-8")
    assert data_installed(tmp_path / "two").read_text(encoding="utf-8") == "{}"


def test_a_time_of_tomorrow_is_no_change(shop: ImageConfig, environment: Environment, tmp_path: Path) -> None:
    rates = write(tmp_path / "rates", x_py="one")
    install_distribution(environment.folder / "lib/python3.12/site-packages", "x", "x.py", origin=rates.as_uri())
    tomorrow = time.time() + 86_400
    for path in (rates / "x.py", shop.root / "src/shop.py"):
        os.utime(path, (tomorrow, tomorrow))
    environment.fill(shop)
    assert environment.fill(shop) == UP_TO_DATE


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


@pytest.mark.parametrize("variable", ["PIP_FIND_LINKS", "UV_FIND_LINKS"])
@pytest.mark.parametrize("text", ["{}", "https://index.example/wheels {}", "file://{}"])
def test_what_is_in_a_folder_that_the_caller_has_searched_counts(
    shop: ImageConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv(variable, text.format(wheels))
    before = declared(shop)
    (wheels / "x-1.0-py3-none-any.whl").touch()
    assert declared(shop) != before


@pytest.mark.parametrize("is_named", [True, False])
def test_what_is_in_a_folder_that_uv_searches_for_all_projects_counts(
    shop: ImageConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_named: bool
) -> None:
    file = tmp_path / ("own.toml" if is_named else "config/uv/uv.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "own.toml"))
    wheels = file.parent / "wheels"
    wheels.mkdir(parents=True)
    file.write_text('find-links = ["./wheels"]\n', encoding="utf-8")
    before = declared(shop)
    (wheels / "x-1.0-py3-none-any.whl").touch()
    assert declared(shop) != before


def test_a_variable_in_a_requirements_file_counts(shop: ImageConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    image = replace(shop, requirements=("base.txt",))
    write(shop.root, base_txt="rates @ file://${WHEELS}/rates-1.0-py3-none-any.whl\n")
    monkeypatch.setenv("WHEELS", "/srv/old")
    before = declared(image)
    monkeypatch.setenv("WHEELS", "/srv/new")
    assert declared(image) != before


@pytest.mark.parametrize("variable", ["PIP_CONSTRAINT", "UV_CONSTRAINT", "UV_OVERRIDE", "PIP_BUILD_CONSTRAINT"])
def test_the_callers_own_constraints_count_with_those_that_they_include(
    shop: ImageConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    folder = write(tmp_path / "constraints", all_txt="-c more.txt\n", more_txt="x==1\n")
    monkeypatch.setenv(variable, f"https://index.example/constraints.txt {folder}/all.txt")
    before = declared(shop)
    write(folder, more_txt="x==2\n")
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
    fill_environment(shop, context, wanted_contents(shop, context), now())
    anew = ["other dependencies: making a new build environment", "recreate"]
    assert environment.asked == [project, *anew, project, TOOLS]


def test_a_project_does_not_stay_under_the_name_that_it_had(shop: ImageConfig, environment: Environment) -> None:
    prices = write(shop.root / "prices", pyproject_toml='[project]\nname = "prices"\n')
    image = replace(shop, install=(".", "./prices"))
    site = environment.folder / "lib/python3.12/site-packages"
    install_distribution(site, "prices", "prices.py", origin=prices.as_uri())
    environment.fill(image)
    write(prices, pyproject_toml='[project]\nname = "costs"\n')

    def install_once() -> None:
        if not (site / "costs.py").exists():
            install_distribution(site, "costs", "costs.py", origin=prices.as_uri())

    environment.meanwhile = install_once
    anew = ["other dependencies: making a new build environment", "recreate"]
    project = [str(shop.root), str(prices), "gunicorn"]
    assert environment.fill(image) == [project, *anew, project, TOOLS]


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
        install_variables(shop)
        write(shop.work / "setuptools-metadata/shop.egg-info", requires_txt="dep @ https://me:sesame@dep.example\n")
        raise RuntimeError

    context = replace(environment.context(), install=fail)
    with pytest.raises(RuntimeError):
        fill_environment(shop, context, wanted_contents(shop, context), now())
    assert not (shop.work / "setuptools-metadata").exists()
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
        assert asked == ["the build environment is used as it is"]
        assert environment.marker.read_bytes() == before
    assert environment.fill(shop) == [[str(shop.root), "gunicorn"]]


def test_an_environment_that_was_moved_is_made_anew(
    shop: ImageConfig, environment: Environment, tmp_path: Path
) -> None:
    environment.fill(shop)
    moved = Environment(environment.folder.rename(tmp_path / "moved"))
    moved.fill(shop)
    assert moved.asked[:2] == ANEW
