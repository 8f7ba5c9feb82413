from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.system.git import Git, Ignored, ignored_below, read_git, run_git, shared_git_folder, told_to_builds

AT = "1700000000"
# A file of Linux that may be written only.
UNREADABLE = "/proc/sys/vm/compact_memory"


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


def test_the_folder_of_a_repository_is_found_from_any_of_its_folders(repository: Path, tmp_path: Path) -> None:
    (repository / "backend").mkdir()
    (tmp_path / "link").symlink_to(repository / "backend")
    for folder in (repository, repository / "backend", tmp_path / "link"):
        assert shared_git_folder(folder) == repository / ".git"
    assert shared_git_folder(tmp_path) is None


def test_the_folder_of_a_repository_is_found_by_an_old_git(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until 2.31, it prints an option that it does not know."""
    script = tmp_path / "bin/git"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\ncase "$*" in *--path-format=absolute*) echo --path-format=absolute ;; esac\n'
        f'exec {shutil.which("git")} "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent), prepend=os.pathsep)
    assert shared_git_folder(repository) == repository / ".git"


def test_before_the_first_commit_git_tells_nothing(repository: Path) -> None:
    git(repository, "remote", "add", "origin", "https://example.org/shop.git")
    assert read_git(repository) == Git()


def test_outside_of_a_repository_git_tells_nothing(repository: Path) -> None:
    assert read_git(repository.parent) == Git(revision="", commit_time=0, remote="")


@pytest.mark.parametrize("of_version", [True, False])
def test_builds_are_told_which_files_are_tracked_and_of_the_commit_the_branch_and_the_tags_for_a_version(
    repository: Path, of_version: bool
) -> None:
    inner = repository / "shop"
    inner.mkdir()
    for name in ("a.txt", "b.txt"):
        (inner / name).touch()
    seen = [told_to_builds(inner, of_version=of_version)]
    for command in (
        ["add", "shop/a.txt"],
        ["commit", "--quiet", "--message", "First"],
        ["tag", "v1.0"],
        ["checkout", "--quiet", "-b", "other"],
        ["add", "shop/b.txt"],
        ["checkout", "--quiet", "--detach"],
    ):
        git(repository, *command)
        told = told_to_builds(inner, of_version=of_version)
        assert (told not in seen) is (of_version or command[0] == "add"), command
        seen.append(told)
    assert told_to_builds(repository.parent, of_version=of_version) == []


@pytest.mark.parametrize("of_version", [True, False])
def test_builds_are_told_whether_a_tracked_file_was_changed_for_a_version(repository: Path, of_version: bool) -> None:
    inner, other = repository / "shop", repository / "notes.txt"
    inner.mkdir()
    other.touch()
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "First")
    committed = told_to_builds(inner, of_version=of_version)
    (repository / "new.txt").touch()
    assert told_to_builds(inner, of_version=of_version) == committed
    other.write_text("one", encoding="utf-8")
    changed = told_to_builds(inner, of_version=of_version)
    assert (changed != committed) is of_version
    git(repository, "add", "notes.txt")
    assert told_to_builds(inner, of_version=of_version) == changed


@pytest.mark.parametrize("place", [".gitignore", ".git/info/exclude"])
def test_builds_are_told_which_files_are_ignored(repository: Path, place: str) -> None:
    inner = repository / "shop"
    inner.mkdir()
    (inner / "a.txt").touch()
    before = told_to_builds(inner, of_version=False)
    (repository / place).parent.mkdir(exist_ok=True)
    (repository / place).write_text("*.txt\n__pycache__\n", encoding="utf-8")
    after = told_to_builds(inner, of_version=False)
    assert after != before
    (inner / "__pycache__").mkdir()
    (inner / "__pycache__/a.pyc").touch()
    assert told_to_builds(inner, of_version=False) == after


def test_what_a_build_of_ours_lets_git_ignore_is_told_to_nobody(repository: Path) -> None:
    (repository / "pyproject.toml").touch()
    before = told_to_builds(repository, of_version=False)
    for name in ("build", "dist"):
        (repository / name / "pystatic/shop").mkdir(parents=True)
        (repository / name / "pystatic/.gitignore").write_text("*\n", encoding="utf-8")
    assert told_to_builds(repository, of_version=False) == before
    (repository / "build/other").touch()
    assert told_to_builds(repository, of_version=False) == before


def test_builds_are_told_how_much_of_the_history_is_there(repository: Path) -> None:
    for message in ("First", "Second"):
        git(repository, "commit", "--quiet", "--allow-empty", "--message", message)
    git(repository.parent, "clone", "--quiet", "--depth", "1", repository.as_uri(), "shallow")
    shallow = repository.parent / "shallow"
    before = told_to_builds(shallow, of_version=True)
    git(shallow, "fetch", "--quiet", "--unshallow")
    assert told_to_builds(shallow, of_version=True) != before


def test_without_git_nothing_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "First")
    monkeypatch.setenv("PATH", str(repository))
    assert read_git(repository) == Git()


# Whose configuration it is.


def configure(repository: Path, **settings: str) -> None:
    for name, value in settings.items():
        git(repository, "config", name.replace("_", "."), value)


@pytest.fixture
def leaves_mark(tmp_path: Path) -> tuple[str, Path]:
    """A command that fails, and the file that is there once it ran."""
    mark, script = tmp_path / "ran", tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {mark}\nexit 1\n", encoding="utf-8")
    script.chmod(0o755)
    return str(script), mark


def test_whoever_has_signatures_shown_is_told_the_commit_as_anybody(repository: Path, tmp_path: Path) -> None:
    script, mark = tmp_path / "gpg", tmp_path / "ran"
    said = "echo 'Good 1 signature' >&2\necho '[GNUPG:] SIG_CREATED ' >&2\necho '-----BEGIN PGP SIGNATURE-----'\n"
    # It reads what it is given: Git fails where it cannot write all of that.
    script.write_text(f"#!/bin/sh\ncat > {mark}\n{said}", encoding="utf-8")
    script.chmod(0o755)
    configure(repository, gpg_program=str(script), user_signingKey="x", log_showSignature="true")
    git(repository, "commit", "--quiet", "--allow-empty", "--gpg-sign", "--message", "First")
    assert git(repository, "log", "-1", "--format=%ct").startswith("Good 1 signature")
    mark.unlink()
    assert read_git(repository) == Git(revision=git(repository, "rev-parse", "HEAD"), commit_time=int(AT))
    assert not mark.exists()


def test_no_command_runs_that_a_repository_names(repository: Path, leaves_mark: tuple[str, Path]) -> None:
    script, mark = leaves_mark
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "First")
    configure(repository, core_fsmonitor=script)
    ignored = with_ignored_file(repository)
    git(repository, "status")
    assert mark.exists()
    mark.unlink()
    assert read_git(repository).commit_time == int(AT)
    assert set(ignored_below(repository).paths) == {ignored}
    assert not mark.exists()


def test_nothing_is_fetched_that_a_repository_lacks(repository: Path, leaves_mark: tuple[str, Path]) -> None:
    script, mark = leaves_mark
    configure(
        repository,
        core_repositoryFormatVersion="1",
        extensions_partialClone="origin",
        remote_origin_url="ssh://host.example/shop.git",
        remote_origin_promisor="true",
        core_sshCommand=script,
    )
    head = repository / ".git" / git(repository, "symbolic-ref", "HEAD")
    head.write_text(f"{'1' * 40}\n", encoding="utf-8")
    subprocess.run(["git", "log"], cwd=repository, check=False, capture_output=True, timeout=20)
    assert mark.exists()
    mark.unlink()
    assert read_git(repository) == Git()
    assert not mark.exists()


def test_a_bare_repository_among_the_files_is_none(repository: Path, leaves_mark: tuple[str, Path]) -> None:
    script, mark = leaves_mark
    folder = repository.parent / "models"
    git(repository, "init", "--quiet", "--bare", str(folder))
    configure(folder, core_bare="false", core_worktree="..", core_fsmonitor=script)
    with_ignored_file(folder)
    assert ignored_below(folder) == Ignored()
    assert read_git(folder) == Git()
    assert not mark.exists()


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("https://example.org/shop.git", "https://example.org/shop.git"),
        ("https://user:secret@example.org:8443/shop.git", "https://example.org:8443/shop.git"),
        ("git@example.org:team/shop.git", ""),
        ("../shop.git", ""),
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


# What it ignores.


def with_ignored_file(folder: Path) -> Path:
    (folder / ".gitignore").write_text("*.log\n", encoding="utf-8")
    (folder / "a.log").touch()
    return folder / "a.log"


def test_outside_of_a_repository_nothing_is_ignored(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_ignored_file(repository.parent)
    assert ignored_below(repository.parent) == Ignored()
    monkeypatch.setenv("PATH", str(repository))
    assert ignored_below(repository.parent) == Ignored()


@pytest.mark.parametrize("path", ["made", "made/project", "made/project/src"])
def test_in_a_folder_that_is_ignored_its_own_rules_count_and_no_others(repository: Path, path: str) -> None:
    (repository / ".gitignore").write_text("/made/\n*.txt\n", encoding="utf-8")
    (repository / "made/project/src").mkdir(parents=True)
    ignored = with_ignored_file(repository / path)
    for name in ("a.txt", "a.html"):
        (repository / path / name).touch()
    assert set(ignored_below(repository / path).paths) == {ignored}
    ignored.unlink()
    assert ignored_below(repository / path) == Ignored(itself=True)


def test_a_folder_is_ignored_if_a_rule_names_it_and_not_if_all_that_it_holds_is(repository: Path) -> None:
    (repository / ".gitignore").write_text("*.log\nmade/\n/all/*\n", encoding="utf-8")
    names = ("certs/a.log", "deep/er/a.log", "made/a.txt", "certs/made/a.txt", "frontend/made/a.txt", "all/in/a.txt")
    for name in names:
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).touch()
    named = ("certs/a.log", "deep/er/a.log", "made", "certs/made", "frontend/made", "all/in")
    assert set(ignored_below(repository).paths) == {repository / name for name in named}
    assert set(ignored_below(repository / "certs").paths) == {repository / "certs/a.log", repository / "certs/made"}


@pytest.mark.parametrize("inside", [".", "inside"])
def test_a_repository_that_says_its_files_lie_elsewhere_is_asked_for_those_that_lie_there(
    repository: Path, inside: str
) -> None:
    elsewhere = repository.parent / "elsewhere"
    for folder in (elsewhere, repository / inside):
        folder.mkdir(exist_ok=True)
    git(repository, "config", "core.worktree", str(elsewhere))
    ignored = with_ignored_file(repository / inside)
    (repository / inside / "a.txt").touch()
    assert set(ignored_below(repository / inside).paths) == {ignored}


def test_a_repository_that_lies_in_a_folder_of_its_files_is_asked_from_their_top(repository: Path) -> None:
    git(repository, "config", "core.worktree", str(repository.parent))
    (repository.parent / ".gitignore").write_text("*.log\n", encoding="utf-8")
    (repository / "a.log").touch()
    assert set(ignored_below(repository).paths) == {repository / "a.log"}


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY"])
def test_a_folder_in_a_repository_is_asked_of_that_one(
    repository: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ignored = with_ignored_file(repository)
    monkeypatch.setenv(name, str(repository.parent / "elsewhere"))
    assert set(ignored_below(repository).paths) == {ignored}


def test_a_repository_that_a_variable_names_is_asked_where_there_is_no_other(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository.parent / "elsewhere"
    folder.mkdir()
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(folder))
    ignored = with_ignored_file(folder)
    assert set(ignored_below(folder).paths) == {ignored}
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    with pytest.raises(MissingToolError) as caught:
        ignored_below(folder)
    assert caught.value.details == ("fatal: not a git repository: '/nowhere'",)


def test_where_git_is_missing_nobody_knows_what_it_ignores(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))
    (repository / "inside").mkdir()
    with pytest.raises(MissingToolError) as caught:
        ignored_below(repository / "inside")
    assert str(caught.value) == (
        f"git does not say what it ignores in {repository}/inside, "
        "and that must not get into an image by accident:\n"
        "  git is not installed\n"
        f"Make this work without a warning: git -C {repository}/inside status. "
        f"Or remove {repository}/.git, if this is not a repository."
    )


def test_a_git_that_cannot_be_started_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one for another machine."""
    programs = repository.parent / "programs"
    programs.mkdir()
    (programs / "git").write_bytes(b"\x7fELF")
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(MissingToolError) as caught:
        ignored_below(repository)
    assert caught.value.details == ("git cannot be started: Exec format error",)


@pytest.mark.skipif(not Path(UNREADABLE).exists(), reason="there is no file here that root may not read")
def test_rules_that_git_may_not_read_are_not_taken_for_none(repository: Path) -> None:
    """Such as those in the home of another user; this file root may not read either."""
    configure(repository, core_excludesFile=UNREADABLE)
    with pytest.raises(MissingToolError) as caught:
        ignored_below(repository)
    assert str(caught.value) == (
        f"git does not say what it ignores in {repository}, and that must not get into an image by accident:\n"
        f"  warning: unable to access '{UNREADABLE}': Permission denied\n"
        f"Make this work without a warning: git -C {repository} status. "
        f"Or remove {repository}/.git, if this is not a repository."
    )


def test_rules_that_are_not_there_or_that_git_does_not_read_are_none(repository: Path) -> None:
    configure(repository, core_excludesFile="/nowhere")
    (repository / ".gitignore").symlink_to("rules")
    (repository / "rules").write_text("x\n", encoding="utf-8")
    (repository / "x").touch()
    assert ignored_below(repository) == Ignored()


def test_git_that_never_answers_is_not_waited_for(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(repository / ".git/index")
    monkeypatch.setattr("pystatic_tasks.system.git.SECONDS", 0.5)
    with pytest.raises(MissingToolError) as caught:
        ignored_below(repository)
    assert caught.value.details == ("it did not answer within 0.5 seconds",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_repository_of_somebody_else_is_not_taken_for_one_that_ignores_nothing(repository: Path) -> None:
    for path in (repository, repository / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(MissingToolError) as caught:
        ignored_below(repository)
    assert caught.value.details[0] == f"fatal: detected dubious ownership in repository at '{repository}'"


@pytest.mark.parametrize(("name", "content"), [("index", "broken"), ("HEAD", ""), ("config", "[")])
def test_a_broken_repository_is_not_taken_for_one_that_ignores_nothing(
    repository: Path, name: str, content: str
) -> None:
    (repository / ".git" / name).write_text(content, encoding="utf-8")
    with pytest.raises(MissingToolError, match="git does not say what it ignores"):
        ignored_below(repository)
