from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.errors import ConfigError, FreezeError
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.environment import (
    declared,
    discard_outdated,
    fill_environment,
    group_requirements,
    import_paths,
    install_variables,
    installed_files,
    is_installed,
    local_folders,
    local_path,
    project_requirements,
    sources,
    wanted_contents,
)
from pystatic_tasks.steps.freeze.locks import Lock, find_lock, find_uv
from pystatic_tasks.steps.tools import tool_requirements
from pystatic_tasks.system.files import source_files

PYPROJECT = '[project]\nname = "shop"\ndependencies = ["falcon"]\n'


def write(folder: Path, **files: str) -> Path:
    """Files by name, with "__" for "/" and "_" for "." where a suffix follows."""
    for name, text in files.items():
        stem, _, suffix = name.replace("__", "/").rpartition("_")
        path = folder / f"{stem}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageConfig:
    """An image of a small project outside of any repository."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    root = write(tmp_path / "shop", pyproject_toml=PYPROJECT, src__shop_py="app = None\n")
    return ImageConfig(root=root, project=root, project_name="shop", name="shop", app="shop:app")


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


def test_a_change_of_a_tools_table_is_not_one_of_the_dependencies(shop: ImageConfig) -> None:
    before = declared(shop)
    write(shop.root, pyproject_toml=f"{PYPROJECT}[tool.ruff]\nline-length = 100\n")
    assert declared(shop) == before


@pytest.mark.parametrize("name", ["setup_py", "setup_cfg", "base_txt"])
def test_a_change_of_a_declaring_file_is_seen(shop: ImageConfig, name: str) -> None:
    image = replace(shop, requirements=("base.txt",))
    write(shop.root, **{name: "one"})
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


@dataclass
class Environment:
    """A build environment that writes down what is asked of it."""

    folder: Path
    asked: list[object] = field(default_factory=list)

    @property
    def marker(self) -> Path:
        return self.folder / "pystatic-installed.json"

    def host(self, *, use_cache: bool = True, installs: bool = True, wanted_python: str = "3.12") -> StepContext:
        return StepContext(
            say=self.asked.append,
            use_cache=use_cache,
            installs=installs,
            python=self.folder / "bin/python",
            wanted_python=wanted_python,
            install=lambda requirements: self.asked.append(list(requirements)),
            recreate=self.recreate,
        )

    def recreate(self) -> None:
        self.asked.append("recreate")
        self.marker.unlink(missing_ok=True)
        (self.folder / "bin").mkdir(parents=True, exist_ok=True)
        (self.folder / "bin/python").touch()

    def fill(
        self, image: ImageConfig, *, use_cache: bool = True, installs: bool = True, wanted_python: str = "3.12"
    ) -> list[object]:
        """What is asked of it for the image."""
        self.asked.clear()
        host = self.host(use_cache=use_cache, installs=installs, wanted_python=wanted_python)
        wanted = wanted_contents(image, host)
        discard_outdated(host, wanted)
        fill_environment(image, host, wanted)
        return list(self.asked)


ANEW = ["making the build environment anew", "recreate"]
UP_TO_DATE = ["build environment is up to date"]
TOOLS = list(tool_requirements())


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """One that Nox has just made."""
    made = Environment(tmp_path / "environment")
    made.recreate()
    return made


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


def test_another_interpreter_makes_the_environment_anew(shop: ImageConfig, environment: Environment) -> None:
    environment.fill(shop)
    assert environment.fill(shop, wanted_python="3.13") == [*ANEW, [str(shop.root), "gunicorn"], TOOLS]


def test_an_environment_of_unknown_contents_is_made_anew(shop: ImageConfig, environment: Environment) -> None:
    host = replace(environment.host(), reuses_environment=True)
    discard_outdated(host, wanted_contents(shop, host))
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

    host = replace(environment.host(), install=fail)
    with pytest.raises(RuntimeError):
        fill_environment(shop, host, wanted_contents(shop, host))
    assert environment.fill(shop)[:2] == ANEW


@pytest.mark.parametrize(
    ("requirement", "there"),
    [("gunicorn", True), ("Gunicorn[gevent]>=22", True), ("my.server", True), ("gunicorn-extra", False), ("uv", False)],
)
def test_what_is_installed_is_found_by_its_name(tmp_path: Path, requirement: str, there: bool) -> None:
    for name in ("gunicorn-27.0.1", "My_Server-1.0", "uvicorn-0.54.0"):
        (tmp_path / f"lib/python3.12/site-packages/{name}.dist-info").mkdir(parents=True)
    assert is_installed(tmp_path / "bin/python", requirement) is there


def test_what_the_installers_wrote_down_tells_the_contents(tmp_path: Path) -> None:
    python = tmp_path / "bin/python"
    empty = installed_files(python)
    record = tmp_path / "lib/python3.12/site-packages/falcon-4.0.dist-info/RECORD"
    record.parent.mkdir(parents=True)
    record.write_text("falcon/__init__.py,sha256=abc,10\n", encoding="utf-8")
    one = installed_files(python)
    record.write_text("falcon/__init__.py,sha256=abd,10\n", encoding="utf-8")
    other = installed_files(python)
    record.parent.rename(record.parent.with_name("falcon-4.1.dist-info"))
    assert len({empty, one, other, installed_files(python)}) == 4


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


# From a lock.


UV_LOCK = """
[[package]]
name = "shop"
version = "1"
source = { editable = "." }
dependencies = [{ name = "falcon" }]
[package.metadata]
requires-dist = [{ name = "falcon" }]

[[package]]
name = "falcon"
version = "4.0.1"
source = { registry = "https://example.org/simple" }
"""
PYLOCK = 'lock-version = "1.0"\ncreated-by = "pip"\n'
PACKAGE = '\n[[package]]\nname = "{}"\nversion = "1"\nsource = {{ {} = "{}" }}\n'
# Writes its arguments down, and the file that an export is asked for.
FAKE_UV = """#!/bin/sh
echo "$@" >> {log}
for word; do [ "$last" = --output-file ] && echo exported > "$word"; last="$word"; done
echo output of uv
echo "    cause: $1" >&2
[ "$1" != {failing} ]
"""


@pytest.fixture
def fake_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv on the PATH that only writes down what it is asked; the file that it writes to."""
    return put_uv(tmp_path, monkeypatch)


def put_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, failing: str = "no") -> Path:
    log = tmp_path / "uv.log"
    write(tmp_path / "uvs", uv_sh=FAKE_UV.replace("{log}", str(log)).replace("{failing}", failing))
    (tmp_path / "uvs/uv.sh").rename(tmp_path / "uvs/uv")
    (tmp_path / "uvs/uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'uvs'}:/usr/bin:/bin")
    return log


def export(image: ImageConfig, environment: Environment, words: str) -> str:
    return (
        f"export --frozen --no-default-groups --no-editable --python {environment.folder}/bin/python "
        f"{words} --format pylock.toml --output-file {image.work}/pylock.toml"
    )


def install(environment: Environment, file: Path, words: str = "") -> str:
    return f"pip install --python {environment.folder}/bin/python -r {file}{words}"


def lock_of(image: ImageConfig) -> Lock:
    lock = find_lock(image)
    assert lock
    return lock


def test_a_uv_lock_is_installed_then_the_project_alone(
    shop: ImageConfig, environment: Environment, fake_uv: Path
) -> None:
    write(shop.root, uv_lock=UV_LOCK)
    assert environment.fill(shop) == [
        "installing the versions in uv.lock",
        ["--no-deps", str(shop.root)],
        ["gunicorn"],
        TOOLS,
    ]
    assert fake_uv.read_text().splitlines() == [
        export(shop, environment, "--package shop --no-emit-package shop"),
        install(environment, shop.work / "pylock.toml"),
    ]
    assert environment.fill(shop) == UP_TO_DATE


def test_extras_groups_and_what_the_lock_does_not_know_are_installed_too(
    shop: ImageConfig, environment: Environment, fake_uv: Path
) -> None:
    groups = "[dependency-groups]\nweb = ['redis']\n"
    write(shop.root, uv_lock=UV_LOCK, pyproject_toml=PYPROJECT + groups, base_txt="x\n", hashed_txt="x --hash=sha256:1")
    write(shop.root / "shared", x_py="")
    image = replace(
        shop, install=(".[db, ui]", "gevent", "./shared"), groups=("web",), requirements=("base.txt", "hashed.txt")
    )
    assert environment.fill(image)[1:] == [
        ["--no-deps", f"{shop.root}[db, ui]"],
        ["-r", str(shop.root / "hashed.txt")],
        ["gevent", str(shop.root / "shared"), "-r", str(shop.root / "base.txt"), "gunicorn"],
        TOOLS,
    ]
    asked = "--package shop --no-emit-package shop --extra db --extra ui --group web"
    assert fake_uv.read_text().splitlines()[0] == export(shop, environment, asked)


def test_a_server_that_the_lock_brings_stays_as_it_is(
    shop: ImageConfig, environment: Environment, fake_uv: Path
) -> None:
    write(shop.root, uv_lock=UV_LOCK)
    (environment.folder / "lib/python3.12/site-packages/gunicorn-23.0.0.dist-info").mkdir(parents=True)
    assert environment.fill(shop)[1:] == [["--no-deps", str(shop.root)], TOOLS]


def test_a_pylock_is_installed_from_where_it_is(shop: ImageConfig, environment: Environment, fake_uv: Path) -> None:
    write(shop.root, pylock_toml=PYLOCK + "[[packages]]\nname = 'core'\ndirectory = { path = '../core' }\n")
    image = replace(shop, install=(".[db]",), groups=("web",))
    write(shop.root, pyproject_toml=PYPROJECT + "[dependency-groups]\nweb = ['redis']\n")
    assert environment.fill(image)[:2] == [
        "installing the versions in pylock.toml",
        ["--no-deps", f"{shop.root}[db]"],
    ]
    words = " --extra db --group web --reinstall-package core"
    assert fake_uv.read_text().splitlines() == [install(environment, shop.root / "pylock.toml", words)]


def test_a_folder_without_a_project_has_a_lock_too(shop: ImageConfig, environment: Environment, fake_uv: Path) -> None:
    write(shop.root, pylock_toml=PYLOCK + "packages = []\n")
    assert environment.fill(replace(shop, install=(), project_name="")) == [
        "installing the versions in pylock.toml",
        ["gunicorn"],
        TOOLS,
    ]


@pytest.mark.parametrize("name", ["uv_lock", "pylock_toml"])
def test_a_lock_is_left_alone_where_that_is_said(shop: ImageConfig, environment: Environment, name: str) -> None:
    write(shop.root, **{name: "neither TOML nor a lock"})
    assert environment.fill(replace(shop, locked=False)) == [[str(shop.root), "gunicorn"], TOOLS]


def test_a_changed_lock_makes_the_environment_anew(shop: ImageConfig, environment: Environment, fake_uv: Path) -> None:
    write(shop.root, uv_lock=UV_LOCK)
    environment.fill(shop)
    write(shop.root, uv_lock=UV_LOCK.replace("4.0.1", "4.0.2"))
    assert environment.fill(shop)[:3] == [*ANEW, "installing the versions in uv.lock"]
    assert environment.fill(replace(shop, locked=False)) == [*ANEW, [str(shop.root), "gunicorn"], TOOLS]


def test_without_uv_one_is_installed_beside_the_tools(
    shop: ImageConfig, environment: Environment, fake_uv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    host = environment.host()
    assert find_uv(host) == str(environment.folder / "bin/uv")
    (environment.folder / "bin/uv").touch()
    assert find_uv(host) == str(environment.folder / "bin/uv")
    assert environment.asked[-1:] == [["uv"]]


def test_a_lock_that_uv_cannot_read_is_told(
    shop: ImageConfig, environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_uv(tmp_path, monkeypatch, failing="export")
    write(shop.root, uv_lock=UV_LOCK)
    with pytest.raises(ConfigError) as caught:
        environment.fill(shop)
    assert str(caught.value) == (
        "uv cannot read uv.lock; its output is in build/pystatic/shop/lock-export.log and ends so:\n"
        "  output of uv\n"
        "      cause: export\n"
        "Run uv lock (or take a newer uv), or set tool.pystatic-tasks.locked = false."
    )


def test_what_uv_cannot_install_is_told(
    shop: ImageConfig, environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_uv(tmp_path, monkeypatch, failing="pip")
    write(shop.root, uv_lock=UV_LOCK)
    with pytest.raises(FreezeError) as caught:
        environment.fill(shop)
    assert str(caught.value) == (
        "uv cannot install what uv.lock names; its output is in build/pystatic/shop/lock-install.log and ends so:\n"
        "  output of uv\n"
        "      cause: pip\n"
        "Repair what it names, or set tool.pystatic-tasks.locked = false."
    )


def test_a_dependency_that_came_after_the_lock_is_named(shop: ImageConfig) -> None:
    text = '[project]\nname = "shop"\ndependencies = ["Falcon[x]>=4; python_version > \'3\'", "Red.is", "shop[db]"]\n'
    write(shop.root, uv_lock=UV_LOCK, pyproject_toml=text)
    with pytest.raises(ConfigError) as caught:
        find_lock(shop)
    assert str(caught.value) == (
        f"{shop.root}/pyproject.toml asks for red-is, and {shop.root}/uv.lock does not know of it.\n"
        "Run uv lock, or set tool.pystatic-tasks.locked = false."
    )


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml"])
@pytest.mark.parametrize("text", ["package = 3\npackages = 3\n", "package = [{}]\npackages = [{ directory = 3 }]\n"])
def test_a_lock_of_another_form_is_named(shop: ImageConfig, name: str, text: str) -> None:
    (shop.root / name).write_text(PYLOCK + text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        find_lock(shop)
    assert str(caught.value) == (
        f"{shop.root / name} does not have the form of a lock file.\n"
        "Make it anew, or set tool.pystatic-tasks.locked = false."
    )


@pytest.mark.parametrize(
    "text", ["", PYLOCK, PYLOCK.replace("1.0", "2.0") + "packages = []\n", PYLOCK + "packages = [{ name = 'A_b' }]\n"]
)
def test_a_pylock_that_is_not_by_its_specification_is_named(shop: ImageConfig, text: str) -> None:
    write(shop.root, pylock_toml=text)
    with pytest.raises(ConfigError, match=r"/pylock\.toml does not have the form of a lock file\."):
        find_lock(shop)


def test_a_lock_that_is_not_toml_is_named(shop: ImageConfig) -> None:
    write(shop.root, uv_lock="= 3")
    with pytest.raises(ConfigError, match=r"/uv\.lock is not valid TOML: .*\nCorrect the file\.$"):
        find_lock(shop)


WORKSPACE_MEMBERS = '[manifest]\nmembers = ["api", "core", "other", "shop"]\n'
WORKSPACE = (
    WORKSPACE_MEMBERS
    + UV_LOCK
    + PACKAGE.format("api", "editable", "packages/api")
    + 'dependencies = [{ name = "core" }, { name = "falcon" }]\n'
    + '[package.metadata]\nrequires-dist = [{ name = "core" }, { name = "falcon" }]\n'
    + PACKAGE.format("core", "editable", "packages/core")
    + '[package.optional-dependencies]\nx = [{ name = "outside" }]\n'
    + PACKAGE.format("other", "virtual", "packages/other")
    + PACKAGE.format("outside", "directory", "../outside")
)


@pytest.fixture
def workspace(shop: ImageConfig) -> ImageConfig:
    """An image of a member of a uv workspace."""
    write(shop.root, uv_lock=WORKSPACE)
    for name in ("api", "core", "other"):
        text = f'[project]\nname = "{name}"\ndependencies = {["core"] if name == "api" else []}\n'
        write(shop.root / "packages" / name, pyproject_toml=text)
    write(shop.root.parent / "outside", x_py="")
    project = shop.root / "packages/api"
    return replace(shop, root=project, project=project, project_name="api")


def test_a_member_of_a_workspace_is_installed_with_the_members_that_it_needs(
    workspace: ImageConfig, environment: Environment, fake_uv: Path
) -> None:
    lock = lock_of(workspace)
    base = workspace.root.parent
    assert lock.path == base.parent / "uv.lock"
    assert lock.projects == {workspace.root: "api"}
    assert lock.folders == {"core": base / "core", "outside": base.parent.parent / "outside"}
    assert local_folders(workspace) == [workspace.root, *lock.folders.values()]
    environment.fill(workspace)
    assert fake_uv.read_text().splitlines() == [
        export(workspace, environment, "--package api --no-emit-package api"),
        install(environment, workspace.work / "pylock.toml", " --reinstall-package core --reinstall-package outside"),
    ]
    write(base / "core", x_py="changed")
    assert environment.fill(workspace)[0] == f"installing the versions in {lock.path}"
    assert environment.fill(workspace) == UP_TO_DATE


def test_a_workspace_may_be_installed_from_its_root(
    workspace: ImageConfig, environment: Environment, fake_uv: Path
) -> None:
    root = workspace.root.parent.parent
    write(root, pyproject_toml=f"{PYPROJECT}[dependency-groups]\nweb = ['redis']\n")
    install = ("./packages/api[x]", "packages/core")
    image = replace(workspace, root=root, install=install, groups=("web",))
    assert environment.fill(image)[1:-1] == [
        ["--no-deps", f"{root}/packages/api[x]", f"{root}/packages/core"],
        ["redis", "gunicorn"],
    ]
    named = "--package api --package core --no-emit-package api --no-emit-package core --extra x"
    assert fake_uv.read_text().splitlines()[0] == export(image, environment, named)


def test_a_workspace_without_a_project_of_its_own_is_exported_whole(workspace: ImageConfig) -> None:
    root = workspace.root.parent.parent
    write(root, uv_lock=WORKSPACE.replace(', "shop"', "").replace(UV_LOCK, ""))
    lock = lock_of(replace(workspace, root=root, project=root, install=()))
    assert (lock.projects, list(lock.folders)) == ({}, ["api", "core", "outside"])


def test_a_lock_of_other_projects_is_none(workspace: ImageConfig, environment: Environment) -> None:
    project = write(workspace.root.parent / "alone", pyproject_toml=PYPROJECT)
    alone = replace(workspace, root=project, project=project, project_name="alone")
    assert find_lock(alone) is None
    outside = workspace.root.parents[2] / "outside"
    assert find_lock(replace(workspace, root=workspace.root.parents[1], project=outside)) is None


def test_no_lock_is_taken_from_beyond_the_repository(workspace: ImageConfig) -> None:
    (workspace.root / ".git").mkdir()
    assert find_lock(workspace) is None


def test_each_project_is_built_in_a_folder_of_its_own(workspace: ImageConfig) -> None:
    core = workspace.root.parent / "core"
    write(core / "build/pystatic/shop/setuptools/lib", old_py="")
    variables = install_variables(workspace)
    config = Path(variables["DIST_EXTRA_CONFIG"]).read_text(encoding="utf-8")
    assert config == "[build]\nbuild_base = build/pystatic/shop/setuptools\n"
    assert not (core / "build/pystatic/shop/setuptools").exists()
