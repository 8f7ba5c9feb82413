"""A program with a database: Django with PostgreSQL, which is started for it wherever it runs."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from support import REPOSITORY, TAG, Project, engine_or_skip, postgresql_or_skip, tool_or_skip

from pystatic_tasks.in_env.web.client import is_taken

PORT = 15432
SERVICES = f"services: postgresql at 127.0.0.1:{PORT}"
ASKED = {
    "GET /books": 200,
    "POST /books": 201,
    "GET /admin/login/": 200,
    "GET /static/admin/css/base.css": 200,
    "GET /admin/": 302,
}


@pytest.fixture(scope="module")
def bookshop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, copied and not yet built; both engines run what the first test builds."""
    tool_or_skip("uv")
    postgresql_or_skip()
    root = tmp_path_factory.mktemp("services") / "bookshop"
    shutil.copytree(REPOSITORY / "tests" / "projects" / "django_postgresql", root)
    return Project(root, "bookshop", backend="uv")


def smoke(project: Project, engine: str) -> str:
    """Smoke the image in an engine; what was printed."""
    printed = project.nox("-s", "smoke", "--", "--layout", "tree", "--engine", engine, "--tag", TAG)
    report = project.manifest("smoke.json")
    assert (report["engine"], report["passed"]) == (engine, True)
    for run in report["runs"]:
        asked = {check["name"]: check["seen"] for check in run["checks"] if check["name"] in ASKED}
        assert {name: int(seen.partition(" ")[0]) for name, seen in asked.items()} == ASKED
    assert f"{SERVICES}; {engine} runs the image in this machine's network\n" in printed
    return printed


def test_it_is_observed_and_run_with_its_database(bookshop: Project) -> None:
    engine_or_skip("sandbox")
    printed = smoke(bookshop, "sandbox")
    assert f"nox > {SERVICES}\n" in printed
    assert "observed: " not in printed
    frozen = json.loads((bookshop.root / "build/pystatic/bookshop/freeze.json").read_text(encoding="utf-8"))
    observed = [(each["request"], each["status"]) for each in frozen["result"]["answers"]]
    assert observed[:3] == [("GET /books", 200), ("POST /books", 201), ("GET /books", 200)]
    log = (bookshop.root / "build/pystatic/bookshop/service-postgresql.log").read_text(encoding="utf-8")
    assert "database system is shut down" in log.splitlines()[-1]
    assert not is_taken(PORT)


def test_a_container_reaches_its_database(bookshop: Project) -> None:
    engine_or_skip("docker")
    try:
        printed = smoke(bookshop, "docker")
    finally:
        subprocess.run(["docker", "image", "rm", "--force", f"bookshop:{TAG}"], capture_output=True, check=True)
    # What is up to date is not observed again, and needs no database.
    assert "build/pystatic/bookshop/tree/bookshop is up to date\n" in printed
    assert printed.count(SERVICES) == 1
    assert not is_taken(PORT)
