from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pystatic_tasks.system.git import Git, read_git, run_git

AT = "1700000000"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty git repository, out of reach of the user's configuration."""
    for name, value in {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
        "GIT_AUTHOR_DATE": f"{AT} +0000",
        "GIT_COMMITTER_DATE": f"{AT} +0000",
        "GIT_CEILING_DIRECTORIES": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def test_git_tells_the_commit_and_its_time(repository: Path) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "First")
    revision = git(repository, "rev-parse", "HEAD")
    assert len(revision) == 40
    assert read_git(repository) == Git(revision=revision, commit_time=int(AT), remote="")


def test_a_folder_inside_of_a_repository_has_its_commit(repository: Path) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "First")
    (repository / "backend").mkdir()
    assert read_git(repository / "backend") == read_git(repository)


def test_before_the_first_commit_git_tells_nothing(repository: Path) -> None:
    git(repository, "remote", "add", "origin", "https://example.org/shop.git")
    assert read_git(repository) == Git()


def test_outside_of_a_repository_git_tells_nothing(repository: Path) -> None:
    assert read_git(repository.parent) == Git(revision="", commit_time=0, remote="")


def test_without_git_nothing_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "First")
    monkeypatch.setenv("PATH", str(repository))
    assert read_git(repository) == Git()


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("https://example.org/shop.git", "https://example.org/shop.git"),
        ("https://user:secret@example.org/shop.git", "https://example.org/shop.git"),
        ("https://secret@example.org:8443/a@b/shop.git", "https://example.org:8443/a@b/shop.git"),
        ("ssh://git@example.org/shop.git", "ssh://example.org/shop.git"),
        ("https://user:secret@example.org", "https://example.org"),
        ("git@example.org:team/shop.git", "git@example.org:team/shop.git"),
        ("https://example.org/shop.git?private_token=secret#x", "https://example.org/shop.git"),
        ("token@example.org:team/shop.git", "example.org:team/shop.git"),
        ("example.org:team/shop.git", "example.org:team/shop.git"),
        ("/srv/git/shop.git", ""),
        ("../shop.git", ""),
        ("file:///srv/git/shop.git", ""),
    ],
)
def test_the_remote_is_told_without_credentials(repository: Path, url: str, remote: str) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "First")
    git(repository, "remote", "add", "origin", url)
    assert read_git(repository).remote == remote


def test_names_of_files_are_as_python_writes_them(repository: Path) -> None:
    name = os.fsdecode(b"gr\xf6\xdfe")
    (repository / name).touch()
    assert run_git(repository, "ls-files", "-z", "--others") == f"{name}\0"


def test_what_git_does_not_answer_is_told_from_an_empty_answer(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_git(repository, "ls-files") == ""
    assert run_git(repository.parent, "ls-files") is None
    monkeypatch.setenv("PATH", str(repository))
    assert run_git(repository, "ls-files") is None
