from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config.model import Freeze, ImageConfig
from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.fronts.container.ignored import Said, ask, told_of_copy
from pystatic_tasks.fronts.container.inside import renew_copy
from pystatic_tasks.fronts.container.written import WrittenHere
from pystatic_tasks.in_env.records import from_json, to_json
from pystatic_tasks.steps.secrets.guard import IGNORED, Candidate, Guard
from pystatic_tasks.steps.secrets.ignored import tell


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a project below its top, out of reach of the user's configuration."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    folder = tmp_path / "repository"
    write(folder / "shop/pages/page.html")
    git(folder, "init", "--quiet")
    return folder


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True, timeout=20)


def make_image(root: Path, *data: str) -> ImageConfig:
    return ImageConfig(
        root=root, project=root, name="shop", app="shop:app", install=(), freeze=Freeze(data=tuple(data))
    )


def in_container(image: ImageConfig, monkeypatch: pytest.MonkeyPatch, folder: Path) -> ImageConfig:
    """The project as it lies in a container, where git has nothing of the caller's."""
    said = tuple(from_json(Said, json.loads(json.dumps(to_json(each)))) for each in ask(image))
    root = renew_copy(image, folder, WrittenHere())
    for name, value in tell(told_of_copy(said, root), folder / "ignored.json").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return make_image(root, *image.freeze.data)


def refused(image: ImageConfig) -> set[str]:
    """The names of all files that would be refused in the project and in folders that it names."""
    named = [image.root / entry.partition(":")[0] for entry in image.freeze.data]
    files = {path: folder for folder in (image.root, *named) for path in folder.rglob("*") if path.is_file()}
    candidates = [
        Candidate(source=path, place=path.name, entry="", origin=path, folder=folder if folder in named else None)
        for path, folder in files.items()
        if ".git" not in path.parts
    ]
    return {each.place for each, reason in Guard(image).refused_among(candidates) if reason == IGNORED}


def test_in_a_container_the_same_is_ignored_as_on_the_callers_machine(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = repository / "shop"
    image = make_image(shop, "dist:dist", "../certs:certs", "../made:made")
    rules = write(tmp_path / "rules", "by-global-rules\n")
    git(repository, "config", "--global", "core.excludesFile", str(rules))
    write(repository / ".git/info/exclude", "by-own-rules\n/shop/dist/\n/made/\n")
    write(repository / ".gitignore", "by-untracked-rules\n.gitignore\n")
    inner = shop / "pages/inner"
    git(repository, "init", "--quiet", str(inner))
    write(inner / ".git/info/exclude", "by-inner-rules\n")
    names = ("by-global-rules", "by-own-rules", "by-untracked-rules")
    for name in names:
        write(shop / f"pages/{name}")
    for path in ("pages/inner/by-inner-rules", "pages/inner/x", "pages/tracked/by-own-rules", "dist/app.js"):
        write(shop / path)
    write(repository / "certs/deep/by-global-rules")
    write(repository / "made/x.txt")
    git(repository, "add", "--force", "shop/pages/tracked")
    here = refused(image)
    assert here == {*names, "by-inner-rules"}
    there = in_container(image, monkeypatch, tmp_path / "kept")
    assert refused(there) == here
    (there.root / "pages/by-own-rules").unlink()
    (there.root / "pages/by-untracked-rules").unlink()
    assert refused(there) == {"by-global-rules", "by-inner-rules"}


def test_a_repository_in_the_project_that_is_named_itself_ignores_the_same_in_a_container(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theme = repository / "shop/theme"
    git(repository, "init", "--quiet", str(theme))
    write(theme / ".gitignore", "notes.txt\n")
    write(theme / "notes.txt")
    image = make_image(repository / "shop", "theme:theme")
    assert refused(image) == {"notes.txt"}
    assert refused(in_container(image, monkeypatch, tmp_path / "kept")) == {"notes.txt"}


def test_what_a_build_takes_from_a_workspace_is_ignored_in_a_container_too(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repository, "config", "--global", "core.excludesFile", str(write(tmp_path / "rules", "by-global-rules\n")))
    lock = '[[package]]\nname = "shop"\nsource = { editable = "shop" }\n'
    write(repository / "uv.lock", f'version = 1\n[manifest]\nmembers = ["all", "shop"]\n{lock}')
    write(repository / "shop/pyproject.toml", '[project]\nname = "shop"\n')
    write(repository / "shared/by-global-rules")
    image = replace(make_image(repository / "shop"), install=(".",))

    def reasons(root: Path) -> list[str]:
        path = root.parent / "shared/by-global-rules"
        candidate = Candidate(source=path, place="shop/x", entry="", origin=path)
        guard = Guard(replace(image, root=root, project=root))
        return [reason for _, reason in guard.refused_among([candidate])]

    assert reasons(image.root) == [IGNORED]
    assert reasons(in_container(image, monkeypatch, tmp_path / "kept").root) == [IGNORED]


def test_of_a_project_that_is_ignored_as_a_whole_its_own_rules_count_in_a_container_too(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repository / ".git/info/exclude", "/shop/\n*.html\n")
    write(repository / "shop/.gitignore", "*.log\n")
    write(repository / "shop/a.log")
    image = make_image(repository / "shop")
    assert refused(image) == {"a.log"}
    assert refused(in_container(image, monkeypatch, tmp_path / "kept")) == {"a.log"}


def test_nothing_goes_in_from_a_repository_in_the_project_of_which_git_says_nothing(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repository / "shop/pages/inner/.git", "gitdir: nowhere")
    write(repository / "shop/pages/inner/x.html")
    there = in_container(make_image(repository / "shop"), monkeypatch, tmp_path / "kept")
    assert refused(there) == {"x.html"}


def test_outside_of_any_repository_nothing_is_ignored_in_a_container_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    write(tmp_path / "shop/.gitignore", "*")
    image = make_image(tmp_path / "shop")
    assert ask(image) == (Said(folder=".", paths=(), itself=False),)
    assert refused(in_container(image, monkeypatch, tmp_path / "kept")) == set()


def test_where_git_fails_nothing_is_built_in_a_container_either(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nothing").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(MissingToolError) as caught:
        ask(make_image(repository / "shop"))
    assert str(caught.value) == (
        f"git does not say what it ignores in {repository}/shop, "
        "and that must not get into an image by accident:\n"
        "  git is not installed\n"
        f"Make this work without a warning: git -C {repository}/shop status. "
        f"Or remove {repository}/.git, if this is not a repository."
    )
