"""What git knows of a folder."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.system.redaction import public_url


@dataclass(frozen=True, kw_only=True)
class Git:
    """Where the sources stand in git.

    Attributes:
        revision: Full commit hash, or "" outside of git or before the first commit.
        commit_time: Seconds since 1970 of that commit, or 0.
        remote: Address of the remote "origin" without credentials, or "" if it has none outside of this machine.
    """

    revision: str = ""
    commit_time: int = 0
    remote: str = ""


def read_git(folder: Path) -> Git:
    """Ask git about the folder; whatever git cannot say stays empty."""
    commit = (run_git(folder, "log", "-1", "--format=%H %ct") or "").split()
    if not commit:
        return Git()
    remote = run_git(folder, "remote", "get-url", "origin") or ""
    return Git(revision=commit[0], commit_time=int(commit[1]), remote=public_url(remote.strip()))


def run_git(folder: Path, *arguments: str) -> str | None:
    """What a command of git prints, with names of files as Python writes them.

    Args:
        folder: Where it is asked.
        arguments: The command and its arguments.

    Returns:
        None if git is not there or fails, as it does outside of any repository.
    """
    try:
        result = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return os.fsdecode(result.stdout) if result.returncode == 0 else None
