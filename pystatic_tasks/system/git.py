"""What git knows of a folder."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.system.files import hash_file, is_packable
from pystatic_tasks.system.redaction import public_url

# A repository's own configuration may name commands; none of them runs, and nothing is fetched. A bare repository that
# lies among other files is none: https://git-scm.com/docs/git-config#Documentation/git-config.txt-safebareRepository
NOTHING_RUN = ("-c", "core.fsmonitor=", "-c", "safe.bareRepository=explicit")
NOTHING_FETCHED = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": ""}
LISTING_IGNORED = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
# What git says and goes on without rules, of a file that it may not read.
UNREAD = re.compile(r"^warning: unable to access .*: Permission denied$", re.MULTILINE)
# They lead git to another repository than that of the folder, as they do in git's own hooks.
# From `git rev-parse --local-env-vars`, without those that set options such as safe.directory.
VARIABLES_OF_A_REPOSITORY = (
    *("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
)


# It may wait for a lock, or for a file system of another machine.
SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Git:
    """Where the sources stand in git.

    Attributes:
        revision: Full commit hash, or "" outside of git or before the first commit.
        commit_time: Seconds since 1970 of that commit, or 0.
        remote: Address of the remote "origin" as `public_url` has it.
    """

    revision: str = ""
    commit_time: int = 0
    remote: str = ""


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """What git ignores of a folder.

    Attributes:
        paths: Files and folders below it.
        itself: Whether git ignores the folder as a whole; then only the rules that lie in it decide on the paths.
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
    """What git prints, with names of files as Python writes them, None if it fails; and what it says of problems."""

    output: str | None
    problem: str = ""


def read_git(folder: Path) -> Git:
    """Ask git about the folder; whatever git cannot say stays empty."""
    # Unlike `git log`, it follows no settings of the user's or of the repository's.
    commit = (run_git(folder, "rev-list", "--max-count=1", "--timestamp", "HEAD") or "").split()
    if not commit:
        return Git()
    remote = run_git(folder, "remote", "get-url", "origin") or ""
    return Git(revision=commit[1], commit_time=int(commit[0]), remote=public_url(remote.strip()))


def told_to_builds(folder: Path, *, of_version: bool) -> list[str]:
    """What build backends follow of a repository: which files of the folder it tracks, and which it ignores.

    All is empty outside of any repository.

    Args:
        folder: Of a project.
        of_version: Whether a version may be made of it too, by its commit, branch and tags, and by how much of the
            history is there.
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
    return [*told, hash_file(folder / shallow) if shallow else "", *packable]


def ignored_below(folder: Path) -> Ignored:
    """What git ignores of a folder; nothing outside of any repository.

    What holds nothing but ignored files is no ignored folder; a rule has to name it.

    Raises:
        MissingToolError: the folder lies in a repository, and git is not there or fails.
    """
    if is_ignored_itself(folder):
        with tempfile.TemporaryDirectory(prefix="pystatic-git-") as empty:
            run_git(folder, "init", "--quiet", "--bare", "--template=", empty)
            paths = listed_below(folder, f"--git-dir={empty}", f"--work-tree={folder.resolve()}")
            return Ignored(paths=paths, itself=True)
    return Ignored(paths=listed_below(folder, *right_work_tree(folder)))


def is_ignored_itself(folder: Path) -> bool:
    """Whether git ignores a folder as a whole."""
    return run_git(folder, *right_work_tree(folder), "check-ignore", "--quiet", ".") is not None


def right_work_tree(folder: Path) -> list[str]:
    """The option of git that is needed where the configuration has it look at another tree than the folder's."""
    repository = find_repository(folder)
    top = run_git(folder, "rev-parse", "--show-toplevel")
    if not repository or top is None or folder.resolve().is_relative_to(Path(top.removesuffix("\n")).resolve()):
        return []
    return [f"--work-tree={repository.parent}"]


def listed_below(folder: Path, *options: str) -> tuple[Path, ...]:
    """What git lists as ignored, asked with options of its own.

    Raises:
        MissingToolError: as for `ignored_below`.
    """
    what = f"what it ignores in {folder}, and that must not get into an image by accident"
    return tuple(sorted(listed_in(folder, ask_repository(folder, what, *options, *LISTING_IGNORED))))


def listed_in(folder: Path, printed: str) -> frozenset[Path]:
    """The paths in what git prints of a folder by `LISTING_IGNORED`."""
    found = frozenset(folder / name for name in printed.split("\0") if name)
    # Beside ignored files, git lists the folders that hold nothing else.
    return found.difference(*(path.parents for path in found))


def is_tracked(link: Path) -> bool:
    """Whether git tracks a link, by which a build would write elsewhere, and not only files behind it.

    Raises:
        MissingToolError: it lies in a repository, and git is not there or fails.
    """
    folder = link.parent
    what = f"whether it tracks {link}, a link by which a build would write elsewhere"
    printed = ask_repository(folder, what, *right_work_tree(folder), "ls-files", "-z", "--", link.name)
    return link.name in printed.split("\0")


def ask_repository(folder: Path, what: str, *arguments: str) -> str:
    """What a command of git prints; "" outside of any repository.

    Args:
        folder: Where it is asked.
        what: What it is asked, for people.
        arguments: The command and its arguments.

    Raises:
        MissingToolError: the folder lies in a repository, and git is not there, fails, or may not read a file of rules.
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
    """What makes a folder or one around it a repository, whether git can use it or not."""
    real = folder.resolve()
    return next((each / ".git" for each in (real, *real.parents) if os.path.lexists(each / ".git")), None)


def checkout_of(folder: Path) -> Path:
    """The folder that holds all of a project: the top of its repository, or itself; without links on the way."""
    repository = find_repository(folder)
    return repository.parent if repository else folder.resolve()


def run_git(folder: Path, *arguments: str) -> str | None:
    """What a command of git prints, or None if git is not there or fails, as it does outside of any repository."""
    return ask_git(folder, *arguments).output


def ask_git(folder: Path, *arguments: str) -> Answer:
    """Run a command of git, and nothing that a repository's configuration names.

    Args:
        folder: Where it is asked; the repository that it lies in goes before one that variables name.
        arguments: The command and its arguments.
    """
    command = ["git", *NOTHING_RUN, "-C", str(folder), *arguments]
    try:
        result = subprocess.run(command, capture_output=True, check=False, env=variables_for(folder), timeout=SECONDS)
    except (FileNotFoundError, NotADirectoryError):
        return Answer(output=None, problem="git is not installed")
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
