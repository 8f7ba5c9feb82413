"""Which integration tests one worker of pytest-xdist runs, one after the other, since they share a build."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

# Files that take the sample app, whose build is made by each worker that needs it.
OF_SAMPLE = (
    *("test_archive", "test_errors", "test_nox", "test_recipe", "test_report", "test_reproducible", "test_run"),
    *("test_deployments", "test_docker_store", "test_sbom", "test_shell", "test_shown", "test_smoke", "test_tasks"),
)
# Files whose tests share nothing.
OF_NOTHING = (
    *("test_adoption", "test_cache", "test_credentials", "test_fix", "test_locks", "test_not_reproducible"),
    *("test_programs", "test_secret_guard", "test_strangers"),
)
# Begun in this order, before all others, and those last, so that all workers end at about the same time.
LONGEST = (
    *("sample", "test_tree", "test_projects[compiled]", "test_interruptions", "test_cache", "test_strangers"),
    *("test_slim_figures", "test_slim", "test_shown_builds", "test_push"),
)
SHORTEST = ("test_adoption", "test_credentials", "test_secret_guard", "test_fix", "test_programs", "test_locks")


class ByBuild(LoadScopeScheduling):  # type: ignore[misc]  # It has no types.
    """Gives a worker all tests of a group at once."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """The group of a test, by its file and its parameters; all images of one program share a build environment."""
    file = file_of(nodeid)
    of_program = re.search(r"\[(.+)-(?:tree|onefile|staticx)\]$", nodeid)
    if of_program:
        return f"{file}[{of_program[1]}]"
    if file in OF_NOTHING:
        return nodeid
    return "sample" if file in OF_SAMPLE else file


def file_of(nodeid: str) -> str:
    return Path(nodeid.partition("::")[0]).stem


def place(item: pytest.Item) -> int:
    """What to sort tests by."""
    for known in (group_of(item.nodeid), file_of(item.nodeid)):
        if known in LONGEST:
            return LONGEST.index(known)
    return len(LONGEST) + (file_of(item.nodeid) in SHORTEST)
