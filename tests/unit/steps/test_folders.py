from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support import BECOMING_NOBODY, as_nobody, run_as_nobody

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.errors import MissingToolError, PystaticError
from pystatic_tasks.steps.foreground import only_here
from pystatic_tasks.steps.manifest import cache_folder, kept_by, locked, only_one, release

REMEDY = "Remove it. To build in another place, make build/ or dist/ itself a link that git does not track."


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder that stays as it is."""
    folder = tmp_path / "outside"
    (folder / "sub").mkdir(parents=True)
    (folder / "file").write_text("precious", encoding="utf-8")
    yield folder
    assert sorted(path.name for path in folder.rglob("*")) == ["file", "sub"]
    assert (folder / "file").read_text(encoding="utf-8") == "precious"


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageConfig:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    root = tmp_path / "project"
    root.mkdir()
    return ImageConfig(root=root, project=root, name="shop", app="shop:app")


def link(path: Path, target: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(target, path.parent))
    return path


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", root, *arguments], check=True, capture_output=True)


@pytest.mark.parametrize("name", ["build/pystatic", "build/pystatic/shop", "dist/pystatic", "dist/pystatic/shop"])
def test_a_build_writes_through_no_link_on_the_way_to_its_folders(image: ImageConfig, outside: Path, name: str) -> None:
    link(image.root / name, outside)
    with pytest.raises(PystaticError) as caught, only_one(image, print):
        pass
    assert str(caught.value) == f"{image.root}/{name} is a link, and a build would write to its target.\n{REMEDY}"


@pytest.mark.parametrize("name", ["shop/linux", "shop/linux/arm64"])
def test_nor_of_one_of_several_platforms(image: ImageConfig, outside: Path, name: str) -> None:
    there = link(image.root / "dist/pystatic" / name, outside)
    with pytest.raises(PystaticError) as caught, only_one(replace(image, platform="linux/arm64"), print):
        pass
    assert str(caught.value) == f"{there} is a link, and a build would write to its target.\n{REMEDY}"


@pytest.mark.parametrize("name", ["build", "dist"])
def test_either_may_be_a_link_of_the_users_own(image: ImageConfig, tmp_path: Path, name: str) -> None:
    (tmp_path / "scratch").mkdir()
    link(image.root / name, tmp_path / "scratch")
    git(image.root, "init", "--quiet")
    with only_one(image, print):
        assert (tmp_path / "scratch/pystatic/shop").is_dir()


@pytest.mark.parametrize("name", ["build", "dist"])
def test_one_that_git_tracks_came_with_the_project(image: ImageConfig, outside: Path, name: str) -> None:
    there = link(image.root / name, outside)
    git(image.root, "init", "--quiet")
    git(image.root, "add", name)
    with pytest.raises(PystaticError) as caught, only_one(image, print):
        pass
    assert str(caught.value) == f"{there} is a link, and a build would write to its target.\n{REMEDY}"


@pytest.mark.parametrize("name", ["build", "dist"])
def test_one_that_git_tracks_may_lead_into_the_project(image: ImageConfig, name: str) -> None:
    (image.root / "out").mkdir()
    link(image.root / name, image.root / "out")
    git(image.root, "init", "--quiet")
    git(image.root, "add", name)
    with only_one(image, print):
        assert (image.root / "out/pystatic/shop").is_dir()


def test_one_that_git_tracks_leads_nowhere_by_another(image: ImageConfig, outside: Path) -> None:
    link(image.root / "out", outside)
    there = link(image.root / "build", image.root / "out")
    git(image.root, "init", "--quiet")
    git(image.root, "add", "build")
    with pytest.raises(PystaticError) as caught, only_one(image, print):
        pass
    assert str(caught.value) == f"{there} is a link, and a build would write to its target.\n{REMEDY}"


def test_git_is_asked_where_its_configuration_names_another_tree(image: ImageConfig, outside: Path) -> None:
    there = link(image.root / "build", outside)
    git(image.root, "init", "--quiet")
    git(image.root, "add", "build")
    git(image.root, "config", "core.worktree", str(outside))
    with pytest.raises(PystaticError) as caught, only_one(image, print):
        pass
    assert str(caught.value) == f"{there} is a link, and a build would write to its target.\n{REMEDY}"


def unanswered(image: ImageConfig, why: str) -> str:
    return (
        f"git does not say whether it tracks {image.root}/build, a link by which a build would write elsewhere:\n"
        f"  {why}\n"
        f"Make this work without a warning: git -C {image.root} status. "
        f"Or remove {image.root}/.git, if this is not a repository."
    )


def test_where_git_is_missing_nobody_knows_whose_link_it_is(
    image: ImageConfig, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link(image.root / "build", outside)
    git(image.root, "init", "--quiet")
    monkeypatch.setenv("PATH", str(image.root))
    with pytest.raises(MissingToolError) as caught, only_one(image, print):
        pass
    assert str(caught.value) == unanswered(image, "git is not installed")


def test_nor_in_a_broken_repository(image: ImageConfig, outside: Path) -> None:
    link(image.root / "build", outside)
    (image.root / ".git").write_text("gitdir: /nowhere\n", encoding="utf-8")
    with pytest.raises(MissingToolError) as caught, only_one(image, print):
        pass
    assert str(caught.value) == unanswered(image, "fatal: not a git repository: /nowhere")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_nor_in_a_repository_of_somebody_else(image: ImageConfig, outside: Path) -> None:
    link(image.root / "build", outside)
    git(image.root, "init", "--quiet")
    git(image.root, "add", "build")
    for path in (image.root, image.root / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(MissingToolError) as caught, only_one(image, print):
        pass
    assert caught.value.details[0] == f"fatal: detected dubious ownership in repository at '{image.root}'"


def test_where_git_is_missing_a_link_outside_of_any_repository_is_the_users_own(
    image: ImageConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    link(image.root / "build", tmp_path / "scratch")
    monkeypatch.setenv("PATH", str(image.root))
    with only_one(image, print):
        pass


def test_a_folder_whose_files_git_tracks_may_have_become_one(image: ImageConfig, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch/README").touch()
    git(image.root, "init", "--quiet")
    (image.root / "build").mkdir()
    (image.root / "build/README").touch()
    git(image.root, "add", "build")
    (image.root / "build/README").unlink()
    (image.root / "build").rmdir()
    link(image.root / "build", tmp_path / "scratch")
    with only_one(image, print):
        pass


@pytest.mark.parametrize("name", ["kept", "kept/layers", "kept/layers/0123", "container.log", "observed", "a/b/c/d"])
@pytest.mark.parametrize("target", ["outside", "outside/file", "outside/nowhere"])
def test_a_link_out_of_the_work_files_is_removed_before_anything_is_written(
    image: ImageConfig, outside: Path, name: str, target: str
) -> None:
    there = link(image.work / name, outside.parent / target)
    said: list[str] = []
    with only_one(image, said.append):
        assert not there.is_symlink()
        kept_by(cache_folder(image, "layers", use_cache=True), "code")
    assert said == [f"removed '{name}' from build/pystatic/shop: a link that leads out"]


def test_so_is_one_that_leads_out_by_another(image: ImageConfig, outside: Path) -> None:
    image.work.mkdir(parents=True)
    (image.work / "a").symlink_to("b/file")
    link(image.work / "b", outside)
    with only_one(image, print):
        assert not (image.work / "b").is_symlink()
        assert not (image.work / "a").exists()


LOCKED_UP = f"""
import json, os, sys
from pathlib import Path
from pystatic_tasks.steps.folders import remove_links_out

{BECOMING_NOBODY}
top = Path(sys.argv[1], "top")
for name, mode in (("open", 0o755), ("written", 0o555), ("closed", 0)):
    (top / name / "inner").mkdir(parents=True)
    for folder in (top / name / "inner", top / name):
        (folder / "out").symlink_to("/")
        folder.chmod(mode)
print(json.dumps([remove_links_out(top), f"{{(top / 'written').stat().st_mode:o}}", remove_links_out(top)]))
"""


@as_nobody
def test_links_are_removed_from_folders_that_let_nobody_in_or_write() -> None:
    names = [f"{folder}{inner}/out" for folder in ("closed", "open", "written") for inner in ("", "/inner")]
    assert json.loads(run_as_nobody(LOCKED_UP)) == [sorted(names), "40700", []]


SOMEBODY_ELSES = f"""
import os, sys
from pathlib import Path
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.steps.folders import remove_links_out

top = Path(sys.argv[1], "top")
top.mkdir()
(top / "out").symlink_to("/")
{BECOMING_NOBODY}
try:
    remove_links_out(top)
except PystaticError as error:
    print(str(error).replace(str(top), "TOP"), end="")
"""


@as_nobody
def test_a_link_in_a_folder_of_somebody_else_ends_the_build() -> None:
    said = run_as_nobody(SOMEBODY_ELSES)
    assert said == f"TOP/out is a link, and a build would write to its target.\n{REMEDY}"


def test_links_within_stay(image: ImageConfig) -> None:
    """A program that is a tree has some."""
    (image.work / "tree/shop").mkdir(parents=True)
    (image.work / "tree/shop/to").symlink_to("../../tree")
    (image.work / "tree/shop/loop").symlink_to("loop")
    (image.work / "tree/shop/nowhere").symlink_to("there")
    said: list[str] = []
    with only_one(image, said.append):
        assert sorted(path.name for path in (image.work / "tree/shop").iterdir()) == ["loop", "nowhere", "to"]
    assert said == []


def test_links_of_a_folder_that_a_link_leads_to_are_looked_at(image: ImageConfig, outside: Path) -> None:
    """Where build/ is a link, what lies below it is where that leads."""
    scratch = outside.parent / "scratch"
    scratch.mkdir()
    link(image.root / "build", scratch)
    there = scratch / "pystatic/shop/kept"
    there.parent.mkdir(parents=True)
    there.symlink_to(outside)
    with only_one(image, print):
        assert not there.is_symlink()


@pytest.mark.parametrize("target", ["outside/file", "outside/nowhere"])
def test_a_lock_is_no_link(image: ImageConfig, outside: Path, target: str) -> None:
    locks = ("lock", "shell.lock", ".services.lock")
    paths = [link(image.work / name, outside.parent / target) for name in locks]
    for path, lock in zip(
        paths,
        (only_one(image, print), only_here(image, "shell", "It is open.", "End it."), locked(paths[2], lambda: None)),
        strict=True,
    ):
        with pytest.raises(PystaticError) as caught, lock:
            pass
        assert str(caught.value) == f"{path} is a link, and a build would write to its target.\n{REMEDY}"
    with pytest.raises(PystaticError):
        release(image)


# What git shows of them.


def status(root: Path) -> str:
    command = ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=all"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def build(image: ImageConfig) -> None:
    with only_one(image, print):
        for folder in (image.work, image.dist):
            (folder / "file").touch()


@pytest.mark.parametrize("platform", ["", "linux/arm64"])
def test_git_ignores_what_a_build_writes(image: ImageConfig, platform: str) -> None:
    git(image.root, "init", "--quiet")
    build(replace(image, platform=platform))
    assert status(image.root) == ""
    for name in ("build/other", "dist/shop.whl"):
        (image.root / name).touch()
    assert status(image.root) == "?? build/other\n?? dist/shop.whl\n"


@pytest.mark.parametrize("content", ["", "*.tar\n"])
def test_what_a_user_says_of_it_stays(image: ImageConfig, content: str) -> None:
    rules = image.root / "dist/pystatic/.gitignore"
    rules.parent.mkdir(parents=True)
    rules.write_text(content, encoding="utf-8")
    git(image.root, "init", "--quiet")
    build(image)
    assert rules.read_text(encoding="utf-8") == content
    assert "?? dist/pystatic/shop/file\n" in status(image.root)


@pytest.mark.parametrize("name", ["file", "nowhere"])
def test_no_rules_are_written_where_a_link_leads(image: ImageConfig, outside: Path, name: str) -> None:
    link(image.root / "dist/pystatic/.gitignore", outside / name)
    build(image)
    assert (image.root / "dist/pystatic/.gitignore").is_symlink()


IN_SOMEBODY_ELSES = f"""
import sys
from pathlib import Path
from pystatic_tasks.config import ImageConfig
from pystatic_tasks.steps.manifest import only_one

root = Path(sys.argv[1])
image = ImageConfig(root=root, project=root, name="shop", app="shop:app")
for folder in (image.work, image.dist):
    folder.mkdir(parents=True)
    folder.chmod(0o777)
{BECOMING_NOBODY}
with only_one(image, print):
    print(list(root.rglob(".gitignore")), end="")
"""


@as_nobody
def test_who_may_not_write_them_needs_none(image: ImageConfig) -> None:
    assert run_as_nobody(IN_SOMEBODY_ELSES) == "[]"
