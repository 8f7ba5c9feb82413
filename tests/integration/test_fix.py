"""`--fix`: smoke finds out what is missing, writes it into pyproject.toml, and builds again until it works."""

from __future__ import annotations

import shutil
from pathlib import Path

from support import REPOSITORY, Project, tool_or_skip

# Modules, data, metadata and a time zone that only a request names, so that nothing can see them but the observation.
PROJECT = REPOSITORY / "tests" / "projects" / "tasks_by_name"
KINDS = '"tasks_by_name.kinds", "packaging", "tasks_by_name.kinds.upper_task", "tasks_by_name.kinds.version_task"'
WRITTEN = [
    "image.timezones = true",
    'freeze.hidden-imports = ["tasks_by_name.kinds", "packaging"]',
    'freeze.metadata = ["packaging"]',
    'freeze.data = ["shared/colours.json:shared"]',
    f"freeze.hidden-imports = [{KINDS}]",
    'freeze.collect = ["packaging"]',
    'freeze.metadata = ["packaging", "six"]',
]


def test_a_program_is_repaired_until_it_works(tmp_path: Path) -> None:
    tool_or_skip("uv")
    project = Project(shutil.copytree(PROJECT, tmp_path / "project"), "tasks-by-name")
    before = (project.root / "pyproject.toml").read_text(encoding="utf-8")
    words = ("--fix", "--no-observe", "--layout", "tree", "--engine", "sandbox")
    printed = project.nox("-db", "uv", "-s", "smoke", "--", *words)
    lines = [
        line.partition("pystatic-tasks.")[2] for line in printed.splitlines() if "wrote into pyproject.toml" in line
    ]
    assert lines == WRITTEN
    assert "FAILED  GET /colours: no answer" in printed
    # The project was installed once.
    assert printed.count("build environment is up to date") == 2
    assert printed.rindex("ok      GET /versions: 200") > printed.rindex("wrote into pyproject.toml")
    assert "nox > * smoke: success" in printed
    after = (project.root / "pyproject.toml").read_text(encoding="utf-8")
    assert after.startswith(before)
    assert len(after.removeprefix(before).splitlines()) == 5
    assert project.manifest("smoke.json")["passed"]
