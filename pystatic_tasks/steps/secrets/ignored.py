"""What git ignores: asked here, or as it was said on another machine, where a copy of the project is built."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.in_env.records import from_json, to_json
from pystatic_tasks.system import git
from pystatic_tasks.system.git import Ignored

# Of the copy git would say something else; this names a file with what it said of the original.
TOLD_VARIABLE = "PYSTATIC_IGNORED"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What git said elsewhere, by the path of each folder that it was asked of."""

    folders: Mapping[str, Ignored]


def ignored_below(folder: Path) -> Ignored:
    """What git ignores of a folder, or of the one around it of which that was told.

    Raises:
        MissingToolError: git is asked here, where the folder lies in a repository, and is not there or fails.
    """
    told = read_told().folders
    known = next((told[str(each)] for each in (folder, *folder.parents) if str(each) in told), None)
    return known or git.ignored_below(folder)


def read_told() -> Told:
    file = os.environ.get(TOLD_VARIABLE)
    return from_json(Told, json.loads(Path(file).read_text(encoding="utf-8"))) if file else Told(folders={})


def tell(told: Told, file: Path) -> Mapping[str, str]:
    """Write down what git said elsewhere; the environment variables of a build that goes by it."""
    file.write_text(json.dumps(to_json(told)), encoding="utf-8")
    return {TOLD_VARIABLE: str(file)}
