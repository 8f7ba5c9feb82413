from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.errors import ConfigError, FreezeError
from pystatic_tasks.steps.freeze.install.environment import install_variables
from pystatic_tasks.steps.freeze.install.locks import Lock, find_lock, find_uv
from pystatic_tasks.steps.freeze.install.project_files import local_folders

from ..conftest import ANEW, PYPROJECT, TOOLS, UP_TO_DATE, Environment, write

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
    without_uv_beside(monkeypatch)
    return log


def without_uv_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is installed beside the Python of the tests, uv is looked for on the PATH alone."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")


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


@pytest.mark.parametrize("failing", ["no", "pip"])
def test_what_was_exported_is_not_kept_since_it_may_hold_passwords(
    shop: ImageConfig, environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    put_uv(tmp_path, monkeypatch, failing=failing)
    write(shop.root, uv_lock=UV_LOCK)
    with contextlib.suppress(FreezeError):
        environment.fill(shop)
    assert (shop.work / "lock-install.log").is_file()
    assert not (shop.work / "pylock.toml").exists()


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
    host = environment.context()
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
        "uv cannot read uv.lock; its output is in build/pystatic/shop/lock-export.log and ends with:\n"
        "  output of uv\n"
        "      cause: export\n"
        "Run uv lock (or use a newer uv), or set tool.pystatic-tasks.locked = false."
    )


def test_what_uv_cannot_install_is_told(
    shop: ImageConfig, environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_uv(tmp_path, monkeypatch, failing="pip")
    write(shop.root, uv_lock=UV_LOCK)
    with pytest.raises(FreezeError) as caught:
        environment.fill(shop)
    assert str(caught.value) == (
        "uv cannot install what uv.lock names; its output is in build/pystatic/shop/lock-install.log and ends with:\n"
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
        f"{shop.root}/pyproject.toml requires red-is, which {shop.root}/uv.lock does not have.\n"
        "Run uv lock, or set tool.pystatic-tasks.locked = false."
    )


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml"])
@pytest.mark.parametrize("text", ["package = 3\npackages = 3\n", "package = [{}]\npackages = [{ directory = 3 }]\n"])
def test_a_lock_of_another_form_is_named(shop: ImageConfig, name: str, text: str) -> None:
    (shop.root / name).write_text(PYLOCK + text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        find_lock(shop)
    assert str(caught.value) == (
        f"{shop.root / name} is not a valid lock file.\nCreate it again, or set tool.pystatic-tasks.locked = false."
    )


@pytest.mark.parametrize(
    "text", ["", PYLOCK, PYLOCK.replace("1.0", "2.0") + "packages = []\n", PYLOCK + "packages = [{ name = 'A_b' }]\n"]
)
def test_a_pylock_that_is_not_by_its_specification_is_named(shop: ImageConfig, text: str) -> None:
    write(shop.root, pylock_toml=text)
    with pytest.raises(ConfigError, match=r"/pylock\.toml is not a valid lock file\."):
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
    metadata = workspace.work / "setuptools-metadata"
    assert config == f"[build]\nbuild_base = build/pystatic/shop/setuptools\n[egg_info]\negg_base = {metadata}\n"
    assert not (core / "build/pystatic/shop/setuptools").exists()
