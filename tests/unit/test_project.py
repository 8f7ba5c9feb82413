from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.project import Git, is_installable, read_git, read_pyproject

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


def test_the_tables_are_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "größe"\n', encoding="utf-8")
    assert read_pyproject(tmp_path) == {"project": {"name": "größe"}}


def test_a_missing_file_is_named_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_pyproject(tmp_path / "nowhere")
    assert str(caught.value) == (
        f"There is no pyproject.toml in {tmp_path / 'nowhere'}.\n"
        'Create one with at least [tool.pystatic-tasks] and app = "package.module:callable".'
    )


def test_what_is_not_toml_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[project]\n= 3\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_pyproject(tmp_path)
    assert str(caught.value) == (
        f"{path} is not valid TOML: Invalid statement (at line 2, column 1).\nCorrect the file."
    )


def test_what_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_bytes(b'name = "\xe9"\n')
    with pytest.raises(ConfigError) as caught:
        read_pyproject(tmp_path)
    assert str(caught.value) == (
        f"{path} is not valid TOML: 'utf-8' codec can't decode byte 0xe9 in position 8: invalid continuation byte.\n"
        "Correct the file."
    )


def test_pip_can_install_what_names_a_project_or_a_build_system_or_has_a_setup_script(tmp_path: Path) -> None:
    assert is_installable(tmp_path, {"project": {"name": "shop"}})
    assert is_installable(tmp_path, {"build-system": {"requires": []}})
    assert not is_installable(tmp_path, {"tool": {"project": {}}})
    (tmp_path / "setup.py").touch()
    assert is_installable(tmp_path, {})


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
