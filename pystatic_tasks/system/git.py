"""Asks git about a folder."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.system.beneath import temporary_folder
from pystatic_tasks.system.files import hash_file, is_packable
from pystatic_tasks.system.redaction import public_url

# A repository's own configuration may name commands, but none is run, and nothing is fetched. A bare repository
# among other files is ignored: https://git-scm.com/docs/git-config#Documentation/git-config.txt-safebareRepository
NOTHING_RUN = ("-c", "core.fsmonitor=", "-c", "safe.bareRepository=explicit")
NOTHING_FETCHED = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": ""}
LISTING_IGNORED = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
# git's warning about a file with rules that it may not read, after which it goes on without these rules.
UNREAD = re.compile(r"^warning: unable to access .*: Permission denied$", re.MULTILINE)
# Variables that would lead git to another repository than the folder's, as in git's own hooks.
# From `git rev-parse --local-env-vars`, without those that set options such as safe.directory.
VARIABLES_OF_A_REPOSITORY = (
    *("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
)


# git may wait for a lock, or for a network file system.
SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Git:
    """The state of the sources in git.

    Attributes:
        revision: Full commit hash; "" outside of git or before the first commit.
        commit_time: Seconds since 1970 of this commit, or 0.
        remote: Address of the remote "origin", in the form of `public_url`.
    """

    revision: str = ""
    commit_time: int = 0
    remote: str = ""


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """What git ignores in a folder.

    Attributes:
        paths: Files and folders below it.
        itself: Whether git ignores the folder as a whole; then the paths follow only from rules inside it.
    """

    paths: tuple[Path, ...] = ()
    itself: bool = False

    def holds(self, path: Path) -> bool:
        """Whether a path is ignored, by itself or with a folder around it."""
        return not self._found.isdisjoint([path, *path.parents])

    @cached_property
    def _found(self) -> frozenset[Path]:
        return frozenset(self.paths)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """git's output, with names of files as Python decodes them (None if git fails), and its error messages."""

    output: str | None
    problem: str = ""


def read_git(folder: Path) -> Git:
    """Ask git about the folder; values that git does not know stay empty."""
    # Unlike `git log`, it is not influenced by settings of the user or the repository.
    commit = (run_git(folder, "rev-list", "--max-count=1", "--timestamp", "HEAD") or "").split()
    if not commit:
        return Git()
    remote = run_git(folder, "remote", "get-url", "origin") or ""
    return Git(revision=commit[1], commit_time=int(commit[0]), remote=public_url(remote.strip()))


def told_to_builds(folder: Path, *, of_version: bool) -> list[str]:
    """What build backends use from a repository: the files of the folder that it tracks, and those that it ignores.

    All values are empty outside of a repository.

    Args:
        folder: A project's folder.
        of_version: Whether a version may also be derived from it: from its commit, branch and tags, the depth of its
            history, and whether a tracked file was changed.
    """
    if not find_repository(folder):
        return []
    versions = (
        ("rev-parse", "--quiet", "--verify", "HEAD"),
        ("symbolic-ref", "--quiet", "HEAD"),
        ("for-each-ref", "refs/tags"),
    )
    told = [run_git(folder, *question) or "" for question in (*(versions if of_version else ()), ("ls-files", "-z"))]
    shallow = (run_git(folder, "rev-parse", "--git-path", "shallow") or "").removesuffix("\n") if of_version else ""
    ignored = listed_in(folder, run_git(folder, *LISTING_IGNORED) or "")
    packable = sorted(str(path.relative_to(folder)) for path in ignored if is_packable(folder, path))
    changed = [str(has_changes(folder))] if of_version else []
    return [*told, *changed, hash_file(folder / shallow) if shallow else "", *packable]


def has_changes(folder: Path) -> bool:
    """Whether a tracked file anywhere in the repository may be another than committed; filters are not run to know."""
    questions = (("diff-files",), ("diff-index", "--cached", "HEAD"))
    return any(run_git(folder, name, "--name-only", "--ignore-submodules", *rest) for name, *rest in questions)


def ignored_below(folder: Path) -> Ignored:
    """What git ignores in a folder; empty outside of a repository.

    A folder with only ignored files is not itself ignored, unless a rule names it.

    Raises:
        MissingToolError: the folder lies in a repository, and git is missing or fails.
    """
    if is_ignored_itself(folder):
        with temporary_folder("pystatic-git-") as empty:
            run_git(folder, "init", "--quiet", "--bare", "--template=", str(empty))
            paths = listed_below(folder, f"--git-dir={empty}", f"--work-tree={folder.resolve()}")
            return Ignored(paths=paths, itself=True)
    return Ignored(paths=listed_below(folder, *right_work_tree(folder)))


def is_ignored_itself(folder: Path) -> bool:
    """Whether git ignores a folder as a whole."""
    return run_git(folder, *right_work_tree(folder), "check-ignore", "--quiet", ".") is not None


def right_work_tree(folder: Path) -> list[str]:
    """The option that git needs if its configuration names a work tree that does not contain the folder."""
    repository = find_repository(folder)
    top = run_git(folder, "rev-parse", "--show-toplevel")
    if not repository or top is None or folder.resolve().is_relative_to(Path(top.removesuffix("\n")).resolve()):
        return []
    return [f"--work-tree={repository.parent}"]


def listed_below(folder: Path, *options: str) -> tuple[Path, ...]:
    """The paths that git lists as ignored, with these options.

    Raises:
        MissingToolError: as for `ignored_below`.
    """
    what = f"what it ignores in {folder}, and that must not get into an image by accident"
    return tuple(sorted(listed_in(folder, ask_repository(folder, what, *options, *LISTING_IGNORED))))


def listed_in(folder: Path, printed: str) -> frozenset[Path]:
    """The paths in git's output for `LISTING_IGNORED`."""
    found = frozenset(folder / name for name in printed.split("\0") if name)
    # Beside ignored files, git lists folders that contain nothing else.
    return found.difference(*(path.parents for path in found))


def is_tracked(link: Path) -> bool:
    """Whether git tracks a link through which a build would write elsewhere, and not only files behind it.

    Raises:
        MissingToolError: the link lies in a repository, and git is missing or fails.
    """
    folder = link.parent
    what = f"whether it tracks {link}, a link by which a build would write elsewhere"
    printed = ask_repository(folder, what, *right_work_tree(folder), "ls-files", "-z", "--", link.name)
    return link.name in printed.split("\0")


def ask_repository(folder: Path, what: str, *arguments: str) -> str:
    """The output of a git command; "" outside of a repository.

    Args:
        folder: The folder in which git runs.
        what: The question, for error messages.
        arguments: The command and its arguments.

    Raises:
        MissingToolError: the folder lies in a repository, and git is missing, fails, or may not read a file with rules.
    """
    answer = ask_git(folder, *arguments)
    repository = find_repository(folder) or os.environ.get("GIT_DIR")
    if repository and (answer.output is None or UNREAD.search(answer.problem)):
        raise MissingToolError(
            f"git does not say {what}:",
            f"Make this work without a warning: git -C {folder} status. "
            f"Or remove {repository}, if this is not a repository.",
            [line.strip() for line in answer.problem.splitlines() if line.strip()],
        )
    return answer.output or ""


def find_repository(folder: Path) -> Path | None:
    """The `.git` of the folder or of one around it, whether git can use it or not."""
    real = folder.resolve()
    return next((each / ".git" for each in (real, *real.parents) if os.path.lexists(each / ".git")), None)


def is_git_folder(folder: Path) -> bool:
    """Whether it has git's own files of a repository, whatever it is called, as a bare one."""
    return all(map(os.path.isdir, (folder / "objects", folder / "refs"))) and os.path.lexists(folder / "HEAD")


def shared_git_folder(folder: Path) -> Path | None:
    """git's own folder of the repository that contains a folder, which all of its worktrees share."""
    # Only git 2.31 and newer can be asked for an absolute path; older ones print the option.
    printed = run_git(folder, "rev-parse", "--git-common-dir")
    return (folder / printed.removesuffix("\n")).resolve() if printed else None


def checkout_of(folder: Path) -> Path:
    """The folder that contains the whole project: the top of its repository, or the folder itself; links resolved."""
    repository = find_repository(folder)
    return repository.parent if repository else folder.resolve()


def run_git(folder: Path, *arguments: str) -> str | None:
    """The output of a git command; None if git is missing or fails, as it does outside of a repository."""
    return ask_git(folder, *arguments).output


def ask_git(folder: Path, *arguments: str) -> Answer:
    """Run a git command, but nothing that a repository's configuration names.

    Args:
        folder: The folder in which git runs; its own repository takes precedence over one in variables.
        arguments: The command and its arguments.
    """
    command = ["git", *NOTHING_RUN, "-C", str(folder), *arguments]
    try:
        result = subprocess.run(command, capture_output=True, check=False, env=variables_for(folder), timeout=SECONDS)
    except (FileNotFoundError, NotADirectoryError):
        return Answer(output=None, problem="git is not installed")
    except OSError as error:
        return Answer(output=None, problem=f"git cannot be started: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Answer(output=None, problem=f"it did not answer within {SECONDS:g} seconds")
    if result.returncode:
        return Answer(output=None, problem=os.fsdecode(result.stderr))
    return Answer(output=os.fsdecode(result.stdout), problem=os.fsdecode(result.stderr))


def variables_for(folder: Path) -> Mapping[str, str]:
    astray = VARIABLES_OF_A_REPOSITORY if find_repository(folder) else ()
    return {
        **{name: value for name, value in os.environ.items() if name not in astray},
        **NOTHING_FETCHED,
        "LC_ALL": "C",
    }
