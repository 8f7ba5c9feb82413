"""`--fix`: smoke finds out what is missing, writes it into pyproject.toml, and builds again until it works."""

from __future__ import annotations

from pathlib import Path

from support import write_project

CONFIGURED = """\
# Kept as it is.
[tool.pystatic-tasks]
app = "greeting:app"      # a plain WSGI application
layout = "tree"
image.volumes = ["/var/lib/greeting"]
smoke = { engine = "sandbox", requests = [{ path = "/french", text = "bonjour" }] }
"""
PROJECT = {
    # The module is named by the request alone, so that nothing can see it before.
    "greeting.py": """
import importlib
import os

def app(environ, start_response):
    module = importlib.import_module("lang_" + environ["PATH_INFO"].strip("/"))
    with open(f"/var/lib/greeting/{os.getpid()}", "w") as file:
        file.write(module.HELLO)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [module.HELLO.encode()]
""",
    "lang_french.py": 'HELLO = "bonjour"\n',
    "pyproject.toml": CONFIGURED,
}


def test_a_program_is_repaired_until_it_works(tmp_path: Path) -> None:
    project = write_project(tmp_path / "greeting", PROJECT, "greeting")
    printed = project.nox("-s", "smoke", "--", "--fix")
    assert "FAILED  GET /french: answered 500, expected 200" in printed
    line = 'freeze.hidden-imports = ["lang_french"]'
    assert f"nox > wrote into pyproject.toml: tool.pystatic-tasks.{line}\n" in printed
    assert printed.rindex("ok      GET /french: 200") > printed.index("wrote into pyproject.toml")
    assert "nox > * smoke: success" in printed
    assert (project.root / "pyproject.toml").read_text(encoding="utf-8") == f"{CONFIGURED}{line}\n"
    assert project.manifest("smoke.json")["passed"]
