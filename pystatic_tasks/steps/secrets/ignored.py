"""Finds what git ignores, by asking git, or from its recorded answer if a copy of the project is built."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.in_env.records import from_json, to_json
from pystatic_tasks.system import git
from pystatic_tasks.system.git import Ignored

# For a copy git would answer differently; this variable names a file with its answers for the original.
TOLD_VARIABLE = "PYSTATIC_IGNORED"


@dataclass(frozen=True, kw_only=True)
class Told:
    """Git's recorded answers, by the path of each folder."""

    folders: Mapping[str, Ignored]


def ignored_below(folder: Path) -> Ignored:
    """What git ignores in a folder, or in the nearest folder around it with a recorded answer.

    Raises:
        MissingToolError: git has to be asked, because the folder is in a repository, and is missing or fails.
    """
    told = read_told().folders
    known = next((told[str(each)] for each in (folder, *folder.parents) if str(each) in told), None)
    return known or git.ignored_below(folder)


def read_told() -> Told:
    file = os.environ.get(TOLD_VARIABLE)
    return from_json(Told, json.loads(Path(file).read_text(encoding="utf-8"))) if file else Told(folders={})


def tell(told: Told, file: Path) -> Mapping[str, str]:
    """Record git's answers in a file; returns the environment variables for a build that uses them."""
    file.write_text(json.dumps(to_json(told)), encoding="utf-8")
    return {TOLD_VARIABLE: str(file)}
