"""`--fix`: smoke finds out what is missing, writes it into pyproject.toml, and builds again until it works."""

from __future__ import annotations

import shutil
from pathlib import Path

from support import REPOSITORY, Project, tool_or_skip

# Modules, data and metadata that only a request names, so that nothing can see them before.
PROJECT = REPOSITORY / "tests" / "projects" / "tasks_by_name"
WRITTEN = [
    'hidden-imports = ["tasks_by_name.kinds"]',
    'metadata = ["packaging"]',
    'data = ["shared/colours.json:shared"]',
    'hidden-imports = ["tasks_by_name.kinds", "tasks_by_name.kinds.upper_task", "tasks_by_name.kinds.version_task"]',
    'metadata = ["packaging", "six"]',
]


def test_a_program_is_repaired_until_it_works(tmp_path: Path) -> None:
    tool_or_skip("uv")
    project = Project(shutil.copytree(PROJECT, tmp_path / "project"), "tasks-by-name")
    before = (project.root / "pyproject.toml").read_text(encoding="utf-8")
    printed = project.nox("-db", "uv", "-s", "smoke", "--", "--fix", "--layout", "tree", "--engine", "sandbox")
    lines = [line.partition("freeze.")[2] for line in printed.splitlines() if "wrote into pyproject.toml" in line]
    assert lines == WRITTEN
    assert "FAILED  GET /colours: no answer" in printed
    assert printed.rindex("ok      GET /versions: 200") > printed.rindex("wrote into pyproject.toml")
    assert "nox > * smoke: success" in printed
    after = (project.root / "pyproject.toml").read_text(encoding="utf-8")
    assert after.startswith(before)
    assert len(after.removeprefix(before).splitlines()) == 3
    assert project.manifest("smoke.json")["passed"]
