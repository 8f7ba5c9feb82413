from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config.model import Freeze, ImageConfig, ImageOptions
from pystatic_tasks.fronts.rebuild.elsewhere import copy_project
from pystatic_tasks.steps.secrets.written import Written, remember
from pystatic_tasks.system.git import read_git


@pytest.fixture(autouse=True)
def _outside_of_any_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


def write(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path, encoding="utf-8")
    return root


def make_image(root: Path, **options: Any) -> ImageConfig:
    return ImageConfig(root=root, project=root, name="shop", app="shop:app", **{"install": (), **options})


def copied(image: ImageConfig, folder: Path) -> list[str]:
    """What lies in the copy of the root."""
    root = copy_project(image, folder)
    return sorted(os.path.relpath(path, root) for path in folder.rglob("*") if path.is_symlink() or path.is_file())


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "place" / "shop", "shop.py", "pyproject.toml")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def test_sources_are_copied_and_what_tools_leave_is_not(root: Path, elsewhere: Path) -> None:
    write(root, "pages/a.html", ".env", "dist/pystatic/shop/image.tar", "build/lib/x.py", ".nox/freeze/x", "x/.git")
    write(root, "venv/pyvenv.cfg", "__pycache__/x.pyc", "services/web/dist/pystatic/web/image.tar")
    write(root, "services/web/noxfile.py")
    sources = [".env", "pages/a.html", "pyproject.toml", "services/web/noxfile.py", "shop.py"]
    assert copied(make_image(root), elsewhere) == sources


def test_what_the_program_made_itself_is_not_copied(root: Path, elsewhere: Path) -> None:
    write(root, "state/made.json", "state/changed.json")
    image = make_image(root)
    made, changed = (frozenset([str(root / "state" / name)]) for name in ("made.json", "changed.json"))
    remember(image, Written(made=made, changed=changed))
    assert copied(image, elsewhere) == ["pyproject.toml", "shop.py", "state/changed.json"]


def test_what_the_program_made_is_copied_where_git_or_the_configuration_knows_it(root: Path, elsewhere: Path) -> None:
    write(root, "state/tracked.json", "state/listed.json", "state/other.json")
    git(root, "init", "-q")
    git(root, "add", "state/tracked.json")
    image = make_image(root, freeze=Freeze(data=("state/listed.json:state",)))
    remember(image, Written(made=frozenset(str(path) for path in (root / "state").iterdir())))
    assert copied(image, elsewhere) == [
        *(".git", "pyproject.toml", "shop.py", "state/listed.json", "state/tracked.json")
    ]


@pytest.mark.parametrize("name", ["build", "dist"])
def test_results_behind_a_link_are_no_part_of_the_copy(root: Path, elsewhere: Path, tmp_path: Path, name: str) -> None:
    """A build there would write to where the first did."""
    write(tmp_path / "scratch", "pystatic/shop/lock")
    (root / name).symlink_to(tmp_path / "scratch")
    assert copied(make_image(root), elsewhere) == ["pyproject.toml", "shop.py"]


def test_the_copy_has_the_same_name_and_a_path_of_another_length(root: Path, tmp_path: Path) -> None:
    same_length = tmp_path / "12345"
    same_length.mkdir()
    copy = copy_project(make_image(root), same_length)
    assert copy.name == "shop"
    assert len(str(copy)) != len(str(root))


def test_what_the_configuration_names_is_copied_wherever_it_lies(root: Path, elsewhere: Path) -> None:
    write(root, "dist/app.js", "build/pages/x.html", ".hidden/x", "../common/requirements.txt")
    image = make_image(
        root,
        freeze=Freeze(data=("build/pages:pages", ".hidden/x:x")),
        image=ImageOptions(files={"/app.js": "dist/app.js", "/absent": "absent", "/hosts": "/etc/hosts"}),
        requirements=("../common/requirements.txt",),
    )
    assert copied(image, elsewhere) == [
        "../common/requirements.txt",
        ".hidden/x",
        "build/pages/x.html",
        "dist/app.js",
        "pyproject.toml",
        "shop.py",
    ]


@pytest.mark.parametrize("real", ["parts/pages", "../beside/pages"])
def test_a_named_folder_may_be_a_link(root: Path, elsewhere: Path, real: str) -> None:
    write(root, f"{real}/a.html", f"{real}/deep/b.html")
    (root / "pages").symlink_to("way")
    (root / "way").symlink_to(real)
    copy = copy_project(make_image(root, freeze=Freeze(data=("pages:pages",))), elsewhere)
    assert (copy / "pages").readlink() == Path("way")
    assert (copy / "pages/deep/b.html").resolve() == (copy / real / "deep/b.html").resolve()
    assert (copy / "pages/a.html").is_file()


@pytest.mark.parametrize("source", [".", "pages/..", "../shop"])
def test_the_projects_folder_may_be_named_itself(root: Path, elsewhere: Path, source: str) -> None:
    write(root, "shop.py", "pages/a.html")
    write(root.parent / "beside", "notes.txt")
    image = make_image(root, freeze=Freeze(data=(f"{source}:all",)))
    copy = copy_project(image, elsewhere)
    assert (copy / "pages/a.html").is_file()
    assert [path.name for path in copy.parent.iterdir()] == [root.name]


def test_what_is_installed_from_folders_keeps_its_place(root: Path, elsewhere: Path) -> None:
    write(root.parent, "lib/pyproject.toml", "lib/lib.py", "other/x")
    assert copied(make_image(root, install=(".", "../lib[extra]")), elsewhere) == [
        "../lib/lib.py",
        "../lib/pyproject.toml",
        "pyproject.toml",
        "shop.py",
    ]


def test_what_git_tracks_around_the_project_is_copied_and_its_facts_stay(root: Path, elsewhere: Path) -> None:
    top = write(root.parent, "README.md", "notes.txt", "shop/dist/tracked.js", ".gitignore")
    git(top, "init", "-q")
    git(top, "add", "README.md", "shop")
    git(top, "commit", "-q", "-m", "x")
    git(top, "remote", "add", "origin", "https://example.org/shop.git")
    copy = copy_project(make_image(root), elsewhere)
    assert read_git(copy) == read_git(root)
    assert read_git(copy).revision != ""
    found = {os.path.relpath(path, copy.parent) for path in copy.parent.rglob("*") if path.is_file()}
    assert found == {".git", "README.md", "shop/dist/tracked.js", "shop/pyproject.toml", "shop/shop.py"}
    status = subprocess.run(["git", "status", "--short"], cwd=copy, capture_output=True, check=True, text=True)
    assert status.stdout == ""


def test_links_stay_links_and_those_that_lead_out_of_the_copy_lead_to_the_same_place(
    root: Path, elsewhere: Path, tmp_path: Path
) -> None:
    write(tmp_path, "outside")
    (root / "inner").symlink_to("shop.py")
    (root / "outer").symlink_to("../../outside")
    copy = copy_project(make_image(root), elsewhere)
    assert (copy / "inner").readlink() == Path("shop.py")
    assert (copy / "outer").readlink() == tmp_path / "outside"


def test_what_may_be_executed_still_may(root: Path, elsewhere: Path) -> None:
    (root / "shop.py").chmod(0o711)
    copy = copy_project(make_image(root), elsewhere)
    assert [(copy / name).stat().st_mode & 0o777 for name in ("shop.py", "pyproject.toml")] == [0o700, 0o600]


def test_empty_folders_are_copied_and_what_is_no_file_is_not(root: Path, elsewhere: Path) -> None:
    (root / "empty").mkdir()
    os.mkfifo(root / "pipe")
    copy = copy_project(make_image(root), elsewhere)
    assert (copy / "empty").is_dir()
    assert not (copy / "pipe").exists()
