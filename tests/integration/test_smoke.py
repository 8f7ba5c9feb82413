"""The contract, in every engine, and what is said when it is broken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import packaging
import pytest
from support import EVERYWHERE, TAG, Project, engine_or_skip, tool_or_skip, validate, write_project

from pystatic_tasks.config.model import ENGINE_NAMES

# The two engines that differ most run what StaticX packs, too.
RUN_STATICX = ENGINE_NAMES if EVERYWHERE else ("sandbox", "docker")
PACKED = [*(("launcher", engine) for engine in ENGINE_NAMES), *(("staticx", engine) for engine in RUN_STATICX)]
CONTRACT = [
    "GET /",
    "GET /?min=6&max=6",
    "GET /?min=7&max=6",
    "GET /health",
    "not root",
    "health check answers",
    "TERM ends it",
    "no errors logged",
    "nothing left in /tmp",
]


@pytest.mark.parametrize(("packed_sample", "engine"), PACKED, indirect=["packed_sample"])
def test_the_sample_keeps_its_contract_in(packed_sample: Project, engine: str) -> None:
    found = engine_or_skip(engine)
    sample = packed_sample
    try:
        printed = sample.nox("-s", "smoke", "--", "--engine", engine)
    finally:
        if found.keeps_images:
            subprocess.run([engine, "image", "rm", "--force", f"sample-app:{TAG}"], capture_output=True, check=True)
    report = sample.manifest("smoke.json")
    validate(report, "smoke.schema.json")
    assert report["engine"] == engine
    assert report["passed"] is True
    assert [check["name"] for check in report["checks"]] == ["no shell", "no set-uid file", "within budget"]
    configured, random_user = report["runs"]
    assert [check["name"] for check in configured["checks"]] == CONTRACT
    assert [check["name"] for check in random_user["checks"]] == CONTRACT
    assert configured["user"] == "65535:65535" != random_user["user"]
    assert configured["startup_ms"] > 0
    assert f"{engine} (" in printed
    assert (f"not checked by {engine}: the memory limit" in printed) is not found.keeps_images
    # StaticX starts its program by no interpreter that could be told.
    tells = 'packer = "staticx"' not in (sample.root / "pyproject.toml").read_text(encoding="utf-8")
    assert ("slowest imports: " in printed, sample.result("imports.json").exists()) == (tells, tells)
    assert ("until the first answer: container " in printed) is tells
    if tells:
        check_imports(sample.manifest("imports.json"), report["digest"])


def check_imports(content: Any, digest: str) -> None:
    """That it has all imports of the sample app, as they hang together."""
    validate(content, "imports.schema.json")
    assert content["digest"] == digest
    imports = content["imports"]
    names = [each["name"] for each in imports]
    # What is imported by `importlib.import_module`, as gunicorn does with its workers, Python does not tell of.
    assert {"encodings", "gunicorn.workers.base", "falcon", "random_number.api"} <= set(names)
    phases = {each["name"]: each["us"] for each in content["phases"]}
    assert list(phases) == ["container", "unpacking", "interpreter", "imports", "server"]
    assert abs(sum(phases.values()) - content["first_answer_ms"] * 1000) < 1000
    assert 0 < sum(each["self_us"] for each in imports) - phases["imports"] <= phases["interpreter"]
    inside = [0]
    for each in imports:
        # What it imports came just before, one level deeper.
        del inside[each["depth"] + 2 :]
        inside += [0] * (each["depth"] + 2 - len(inside))
        assert each["cumulative_us"] >= each["self_us"]
        assert abs(each["cumulative_us"] - each["self_us"] - inside[each["depth"] + 1]) <= len(imports)
        inside[each["depth"] + 1] = 0
        inside[each["depth"]] += each["cumulative_us"]


ORDINARY_USER = """
import json, sys
from pathlib import Path
from pystatic_tasks.engines import Artifact, Policy
from pystatic_tasks.engines.sandbox import here
from pystatic_tasks.config.model import Request
from pystatic_tasks.in_env.web.client import send
from pystatic_tasks.steps.smoke.probes import wait_until_ready

sandbox = here()
assert not sandbox.as_root and sandbox.version(), sandbox.problem()
artifact = Artifact(archive=Path(sys.argv[1]), image_id="", references=(), entrypoint="/sample-app", env={}, port=8000)
policy = Policy(user="54321:54321", writable_tmp=True, memory_bytes=0)
container = sandbox.start(artifact, policy, [])
try:
    ready = wait_until_ready(container, container.address(), "/", 30)
    body = send(Request(path="/?min=2&max=2"), container.address(), 5).body
    users = sorted(container.users())
    end = container.stop(10)
    print(json.dumps([ready, body, users, end.code, container.leftovers()]))
finally:
    container.remove()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_an_ordinary_user_gets_a_sandbox_by_bubblewrap(
    sample: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tool_or_skip("bwrap")
    # Another user can neither pass through root's home, where the interpreter may be, nor through pytest's folders.
    shared = Path("/var/tmp") / f"pystatic-test-{os.getpid()}"
    shutil.copytree(Path(__file__).resolve().parents[2] / "pystatic_tasks", shared / "pystatic_tasks")
    shutil.copytree(Path(packaging.__file__).parent, shared / "packaging")
    try:
        shutil.copy2(sample.result("image.tar"), shared)
        (shared / "script.py").write_text(ORDINARY_USER, encoding="utf-8")
        result = subprocess.run(
            [
                "setpriv",
                "--reuid=12345",
                "--regid=12345",
                "--clear-groups",
                "/usr/bin/python3",
                "script.py",
                "image.tar",
            ],
            cwd=shared,
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": "/var/tmp"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout) == [True, '{"number": 2, "min": 2, "max": 2}', ["12345"], 0, []]
    finally:
        shutil.rmtree(shared)


FAULTY = """
import importlib, json

def app(environ, start_response):
    if environ["PATH_INFO"] == "/plugin":
        module = importlib.import_module("pl" + "istlib")
        start_response("200 OK", [])
        return [module.__name__.encode()]
    if environ["PATH_INFO"] == "/leave":
        open("/tmp/_MEI-left-behind", "w").close()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
FAULTY_CONFIG = """
[tool.pystatic-tasks]
app = "faulty:app"
smoke.engine = "sandbox"
smoke.requests = [{ path = "/plugin" }]
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("faulty") / "faulty"
    tool_or_skip("uv")
    return write_project(root, {"faulty.py": FAULTY, "pyproject.toml": FAULTY_CONFIG}, "faulty", backend="uv")


def test_a_missing_module_gives_the_line_to_add(faulty: Project) -> None:
    printed = faulty.nox("-s", "smoke", "--", "--no-observe", ok=False)
    assert "faulty broke its contract:\n" in printed
    assert "  GET /plugin: answered 500, expected 200\n" in printed
    assert "  its log, in full in build/pystatic/faulty/smoke.log, ends with:\n" in printed
    assert "No module named 'plistlib'" in (faulty.root / "build/pystatic/faulty/smoke.log").read_text(encoding="utf-8")
    assert "  | ModuleNotFoundError: No module named 'plistlib'\n" in printed
    assert (
        'The program imports "plistlib" by name, which the analysis cannot see. '
        "Add this to [tool.pystatic-tasks.freeze] in pyproject.toml, or write it as freeze.hidden-imports "
        "under [tool.pystatic-tasks]:\n"
        '  hidden-imports = ["plistlib"]\n'
        "Then run the session again"
    ) in printed
    assert faulty.manifest("smoke.json")["passed"] is False


def test_the_line_repairs_it(faulty: Project) -> None:
    path = faulty.root / "pyproject.toml"
    path.write_text(FAULTY_CONFIG + 'freeze.hidden-imports = ["plistlib"]\n', encoding="utf-8")
    faulty.nox("-s", "smoke", "--", "--no-observe")
    assert faulty.manifest("smoke.json")["passed"] is True


def test_what_is_seen_needs_no_line(faulty: Project) -> None:
    (faulty.root / "pyproject.toml").write_text(FAULTY_CONFIG, encoding="utf-8")
    faulty.nox("-s", "smoke")
    assert faulty.manifest("smoke.json")["passed"] is True


def test_what_is_left_behind_and_a_wrong_answer_are_named(faulty: Project) -> None:
    faulty.configure('[{ path = "/plugin" }]', '[{ path = "/leave", text = "goodbye" }]')
    printed = faulty.nox("-s", "smoke", "--", "--no-observe", ok=False, PYSTATIC_TASKS_PACKER="staticx")
    assert "  GET /leave: answered 'hello', expected it to contain 'goodbye'\n" in printed
    assert "  nothing left in /tmp: _MEI-left-behind\n" in printed
