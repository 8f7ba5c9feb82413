from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from support import FROZEN, PACKED

from pystatic_tasks.config.model import Build, Freeze, ImageConfig, ImageOptions, Layout
from pystatic_tasks.errors import ConfigError, FreezeError, MissingToolError, PystaticError
from pystatic_tasks.fronts.container import build as module
from pystatic_tasks.fronts.container import inside
from pystatic_tasks.fronts.container.build import (
    adopt,
    bind,
    check_engine,
    check_links,
    failure,
    mounted,
    mounted_root,
    our_requirements,
    run_command,
    sayer,
)
from pystatic_tasks.fronts.container.handed import Handed
from pystatic_tasks.fronts.container.written import WrittenHere
from pystatic_tasks.in_env.protocol import TreeFile
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import read_manifest, require_manifest, write_manifest
from pystatic_tasks.steps.results import Frozen, Packed
from pystatic_tasks.system.files import write_whole


def make_shop(root: Path, layout: Layout = "onefile", **options: Any) -> ImageConfig:
    root.mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text('[project]\nname = "shop"\n', encoding="utf-8")
    return ImageConfig(
        root=root, project=root, name="shop", app="shop:app", layout=layout, build=Build(place="docker", **options)
    )


LOCK = """\
version = 1
[manifest]
members = ["all", "shop"]
[[package]]
name = "shop"
source = { editable = "shop" }
"""


# What is mounted.


def test_the_whole_repository_is_mounted_and_read_only(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path / "repository"], check=True)
    shop = make_shop(tmp_path / "repository" / "services" / "shop")
    assert list(mounted(shop)) == [tmp_path / "repository"]
    assert str(mounted_root(shop, mounted(shop))) == "repository/services/shop"
    command = run_command(shop, mounted(shop), "builder:1", "container", Handed(), tmp_path / "handed", None)
    mount = f"type=bind,source={tmp_path}/repository,target=/project/repository,readonly"
    assert mount in command
    binds = [word for word in command if word.startswith("type=bind")]
    assert all(word.endswith(",readonly") for word in binds)


def test_what_is_installed_or_named_beside_the_project_is_mounted_too_and_nothing_around_it(tmp_path: Path) -> None:
    shop = replace(
        make_shop(tmp_path / "shop"),
        install=(".", "../library"),
        freeze=Freeze(data=("rates.csv:.", "../shared/rates.csv:.", "../nowhere:.")),
    )
    write(tmp_path / "shop/rates.csv", "")
    write(tmp_path / "shared/rates.csv", "")
    (tmp_path / "library").mkdir()
    (tmp_path / ".ssh").mkdir()
    command = run_command(shop, mounted(shop), "builder:1", "x", Handed(), tmp_path / "handed", None)
    above = f"/project/{tmp_path.name}"
    project = [word.split(",")[1:3] for word in command if word.startswith("type=bind") and above in word]
    assert project == [
        [f"source={tmp_path}/{name}", f"target={above}/{name}"] for name in ("library", "shared/rates.csv", "shop")
    ]
    assert str(mounted_root(shop, mounted(shop))) == f"{tmp_path.name}/shop"


@pytest.mark.parametrize("source", [".", "./", "data/..", "../shop"])
def test_the_projects_folder_may_be_named_itself(tmp_path: Path, source: str) -> None:
    shop = replace(make_shop(tmp_path / "shop"), freeze=Freeze(data=(f"{source}:all",)))
    assert list(mounted(shop)) == [tmp_path / "shop"]


def test_a_link_that_is_named_beside_the_project_is_mounted_with_its_folder(tmp_path: Path) -> None:
    shop = replace(make_shop(tmp_path / "shop"), freeze=Freeze(data=("../shared/rates.csv:.",)))
    write(tmp_path / "shared/all.csv", "")
    (tmp_path / "shared/rates.csv").symlink_to("all.csv")
    assert list(mounted(shop)) == [tmp_path / "shared", tmp_path / "shop"]


def test_the_folder_of_the_lock_is_mounted(tmp_path: Path) -> None:
    write(tmp_path / "all/pyproject.toml", '[project]\nname = "all"\n[tool.uv.workspace]\nmembers = ["shop"]\n')
    write(tmp_path / "all/uv.lock", LOCK)
    shop = make_shop(tmp_path / "all" / "shop")
    assert mounted(shop) == {tmp_path / "all": PurePosixPath("all")}
    assert str(mounted_root(shop, mounted(shop))) == "all/shop"


def test_the_repository_of_a_worktree_is_mounted_where_its_files_name_it(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        user = ("-c", "user.name=x", "-c", "user.email=x@x.example")
        subprocess.run(["git", "-C", tmp_path / "main", *user, *arguments], check=True, capture_output=True)

    (tmp_path / "main").mkdir()
    git("init")
    git("commit", "--allow-empty", "--message", "x")
    git("worktree", "add", str(tmp_path / "tree"))
    tree = make_shop(tmp_path / "tree")
    command = run_command(tree, mounted(tree), "builder:1", "x", Handed(), tmp_path / "handed", None)
    common = f"{tmp_path}/main/.git"
    assert f"type=bind,source={common},target={common},readonly" in command


def test_the_container_gets_what_is_handed_in_and_no_value_on_a_command_line(tmp_path: Path) -> None:
    handed = Handed(files={"/home/me/.netrc": "/x/netrc"}, variables={"PIP_INDEX_URL": "https://me:secret@x.example"})
    shop = make_shop(tmp_path / "shop", arguments=("--network=host",))
    command = run_command(shop, mounted(shop), "builder:1", "container", handed, tmp_path / "handed", "linux/arm64")
    assert command[:5] == ["docker", "run", "--name", "container", "--pull"]
    assert "type=bind,source=/home/me/.netrc,target=/x/netrc,readonly" in command
    assert command[command.index("--platform") + 1] == "linux/arm64"
    assert command[command.index("--network=host") + 1] == "builder:1"
    assert "secret" not in " ".join(command)


def test_a_path_may_hold_what_separates_words() -> None:
    assert bind("/home/me/a,b", "/x") == 'type=bind,"source=/home/me/a,b",target=/x,readonly'
    assert bind(r"C:\Users\Ada L\shop", "/x") == r"type=bind,source=C:\Users\Ada L\shop,target=/x,readonly"


def test_our_own_tools_are_without_extras() -> None:
    found = our_requirements()
    assert any(each.startswith("nox") for each in found)
    assert not any("extra" in each for each in found)


# What is said.


def test_what_the_container_says_is_said_but_for_nox_itself(tmp_path: Path) -> None:
    said: list[str] = []
    watch = sayer(mounted(make_shop(tmp_path)), StepContext(say=said.append))
    for line in (
        "nox > Running session freeze\n",
        "nox > Creating virtual environment (virtualenv) using python3 in x\n",
        "nox > python -m pip install /x\n",
        "ERROR: no such thing\n",
        "\n",
        "nox > Session freeze was successful in 9 seconds.\n",
        "nox > Ran 2 sessions:\n",
        "nox > * freeze: success\n",
    ):
        watch(line)
    assert said == ["python -m pip install /x", "ERROR: no such thing"]


def test_places_are_those_of_this_machine(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "ws")
    watch = sayer(mounted(shop), StepContext(say=(said := list[str]()).append))
    there = mounted_root(shop, mounted(shop))
    for line in (
        f"nox > installing the versions in /pystatic/kept/copy/{there}/uv.lock\n",
        f"/pystatic/kept/copy/{there}: not /pystatic/kept/copy/{there}2\n",
        f"what lies in /project/{there}/src\n",
    ):
        watch(line)
    assert said == [
        f"installing the versions in {shop.root}/uv.lock",
        f"{shop.root}: not /pystatic/kept/copy/{there}2",
        f"what lies in {shop.root}/src",
    ]


def test_a_failure_is_of_the_kind_that_it_is_there(tmp_path: Path) -> None:
    shop = make_shop(tmp_path)
    error = failure(shop, 4, shop.work / "container.log")
    assert type(error) is FreezeError
    assert str(error) == (
        "shop was not frozen: the docker container ended with exit code 4.\n"
        "Its output is above and in build/pystatic/shop/container.log."
    )
    assert type(failure(shop, 125, shop.work / "container.log")) is PystaticError


def test_an_engine_that_does_not_work_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError) as caught:
        check_engine(make_shop(tmp_path))
    assert str(caught.value) == (
        "Cannot freeze in a docker container: docker does not work here "
        '(the program "docker" is not on the PATH).\n'
        "Start or install it, or freeze elsewhere: --in here (on Linux), --in docker or --in podman."
    )


def test_windows_keeps_no_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, onefile = make_shop(tmp_path, "tree"), make_shop(tmp_path)
    check_links(tree)
    monkeypatch.setattr(module, "WINDOWS", True)
    check_links(onefile)
    with pytest.raises(ConfigError) as caught:
        check_links(tree)
    assert str(caught.value) == (
        'shop has the layout "tree", but Windows keeps neither symbolic links nor file modes.\n'
        'Set layout = "onefile", or build on Linux, for example in WSL.'
    )


# What comes out.


def left_there(tmp_path: Path, layout: Layout) -> tuple[ImageConfig, Path]:
    """What the steps leave in a container, and the folder of what comes out."""
    there = make_shop(tmp_path / "there", layout)
    there = replace(there, image=ImageOptions(certificates=True))
    program = there.work / "tree" / "shop"
    write_whole(program / "lib" / "libx.so", "library")
    (program / "lib" / "libx.so.1").symlink_to("libx.so")
    files = tuple(TreeFile(path=path, owner="libc") for path in ("/lib/libx.so", "/lib/libx.so.1"))
    frozen = replace(FROZEN, program=program, files=files, system_files=("/etc/hostname",))
    write_manifest(there, frozen, inputs="x", outputs=[])
    if layout == "onefile":
        write_whole(there.dist / "shop", "program")
        write_manifest(there, PACKED, inputs="x", outputs=[there.dist / "shop"])
    write_whole(there.work / "pyinstaller.log", "log")
    results = tmp_path / "results"
    inside.copy_logs(there, results)
    inside.leave_results(there, results)
    return there, results


@pytest.mark.skipif(not Path("/etc/hostname").exists(), reason="no /etc/hostname here")
@pytest.mark.parametrize("layout", ["onefile", "tree"])
def test_the_later_steps_find_what_freeze_and_pack_left(tmp_path: Path, layout: Layout) -> None:
    there, results = left_there(tmp_path, layout)
    here = replace(there, root=tmp_path / "here", project=tmp_path / "here")
    here.work.mkdir(parents=True)
    kept = here.work / "container"
    results.rename(kept)
    adopt(here, kept)
    frozen = require_manifest(here, Frozen)
    assert (frozen.inputs, frozen.result.program) == ("", kept / "program")
    copy = frozen.result.system_copy
    assert copy is not None
    assert (copy.folder / "etc/hostname").read_bytes() == Path("/etc/hostname").read_bytes()
    assert (here.work / "pyinstaller.log").read_text(encoding="utf-8") == "log"
    if layout == "tree":
        assert (kept / "program/lib/libx.so.1").readlink() == Path("libx.so")
        assert read_manifest(here, Packed) is None
    else:
        packed = require_manifest(here, Packed)
        assert packed.result == PACKED
        assert (here.dist / "shop").read_text(encoding="utf-8") == "program"
        assert os.access(here.dist / "shop", os.X_OK)


@pytest.mark.skipif(not Path("/etc/hostname").exists(), reason="no /etc/hostname here")
@pytest.mark.parametrize(
    "changed",
    [
        {"system_copy": None},
        {"system_files": ["/../../home/me/.ssh/id_rsa"]},
        {"files": [{"path": "/../id_rsa", "owner": "libc"}]},
        {"files": [{"path": "id_rsa", "owner": "libc"}]},
        {"files": [{"path": "/lib/libx.so", "owner": "another"}]},
    ],
)
def test_nothing_is_taken_that_did_not_come_out(tmp_path: Path, changed: dict[str, Any]) -> None:
    there, results = left_there(tmp_path, "tree")
    frozen = json.loads((results / "freeze.json").read_text(encoding="utf-8"))
    write(results / "freeze.json", json.dumps({**frozen, **changed}))
    with pytest.raises(ValueError, match="names files that the container did not return"):
        adopt(there, results)
    assert require_manifest(there, Frozen).inputs == "x"


@pytest.mark.skipif(not Path("/etc/hostname").exists(), reason="no /etc/hostname here")
@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("onefile", "program"),
        ("onefile", "freeze.json"),
        ("onefile", "staticx.json"),
        ("onefile", "logs"),
        ("tree", "program"),
        ("tree", "program/lib"),
        ("tree", "system"),
        ("tree", "system/etc"),
        ("tree", "system/etc/hostname"),
    ],
)
def test_nothing_is_taken_through_a_link(tmp_path: Path, layout: Layout, name: str) -> None:
    there, results = left_there(tmp_path, layout)
    (results / name).rename(tmp_path / "elsewhere")
    (results / name).symlink_to(tmp_path / "elsewhere")
    here = replace(there, root=tmp_path / "here", project=tmp_path / "here")
    with pytest.raises(ValueError, match="has links in place of files that the container returned"):
        adopt(here, results)
    assert not any(each.exists() for each in (here.work, here.dist))


def test_of_its_logs_nothing_is_taken_that_is_none(tmp_path: Path) -> None:
    there, results = left_there(tmp_path, "tree")
    write(results / "logs/image.json", "{}")
    write(results / "logs/x.log/y", "")
    (results / "logs/link.log").symlink_to(write(tmp_path / "elsewhere", ""))
    adopt(there, results)
    there_now = {path.name for path in there.work.iterdir()}
    assert {"image.json", "x.log", "link.log", "pyinstaller.log"} & there_now == {"pyinstaller.log"}


def test_a_copy_takes_over_what_was_built_from_the_one_before(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    source = write(shop.root / "shop.py", "one")
    os.utime(source, ns=(1, 1_000_000_000))
    root = inside.renew_copy(shop, tmp_path / "kept", WrittenHere())
    assert (root / "shop.py").stat().st_mtime_ns == 1_000_000_000
    write(root / "build/pystatic/shop/freeze.json", "made")
    inside.keep(root, tmp_path / "kept")
    source.unlink()
    again = inside.renew_copy(shop, tmp_path / "kept", WrittenHere())
    assert again == root
    assert not (root / "shop.py").exists()
    assert (root / "build/pystatic/shop/freeze.json").read_text(encoding="utf-8") == "made"


def write(path: Path, text: str) -> Path:
    write_whole(path, text)
    return path
