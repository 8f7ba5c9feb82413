"""Frozen in a container: the same bytes as on a Linux with the same Python, and nothing of the caller is left."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from own_debian import output, own_debian
from shown import shown
from support import DEBIANS_PYTHON, Project, clean_environment, copy_repository, engine_or_skip, write_project

BASE = "pystatic-test-base"
# In no file of the repository, which is what is built.
SECRET = secrets.token_hex(16)


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """An image of this machine's own Debian, with its Python."""
    engine_or_skip("docker")
    subprocess.run(["docker", "import", "-", BASE], input=own_debian(), capture_output=True, check=True)
    yield BASE
    subprocess.run(["docker", "image", "rm", BASE], capture_output=True, check=False)


@pytest.fixture
def kept_before(base: str) -> Iterator[set[tuple[str, str]]]:
    """What the engine had to build in and to keep builds in; what a test adds is removed after it."""
    before = kept()
    yield before
    for kind, name in kept() - before:
        subprocess.run(["docker", kind, "rm", name], capture_output=True, check=True)


def kept() -> set[tuple[str, str]]:
    """Kind and name of images to build in, and of volumes."""
    images = output("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "pystatic-builder").split()
    volumes = output("docker", "volume", "ls", "--quiet", "--filter", "name=pystatic-").split()
    return {*(("image", name) for name in images), *(("volume", name) for name in volumes)}


def test_it_is_the_same_as_on_linux_and_nothing_of_the_caller_stays(
    base: str, kept_before: set[tuple[str, str]], tmp_path: Path
) -> None:
    here, there = (copy_repository(tmp_path / name / "repository") for name in ("here", "elsewhere"))
    here.nox("-s", "image", "--", "--engine", "sandbox", PYSTATIC_TASKS_PYTHON=str(DEBIANS_PYTHON))
    (tmp_path / "netrc").write_text(f"machine index.example login me password {SECRET}\n", encoding="utf-8")
    precious = plant_links(there.root / "build/pystatic/sample-app", tmp_path / "precious")
    printed = build(there, base, tmp_path / "netrc")
    assert precious.read_text(encoding="utf-8") == "precious"
    assert "removed 'kept/layers' from build/pystatic/sample-app: a link that leads out\n" in printed
    assert there.result("sample-app").read_bytes() == here.result("sample-app").read_bytes()
    assert there.manifest("image.json")["digest"] == here.manifest("image.json")["digest"]
    assert there.result("image.tar").read_bytes() == here.result("image.tar").read_bytes()
    assert SECRET not in printed
    (_, builder), (_, volume) = sorted(kept() - kept_before)
    check_nothing_stays(there, builder, volume)
    again = build(there, base, tmp_path / "netrc")
    assert "nox > build environment is up to date\n" in again
    assert "nox > dist/pystatic/sample-app/sample-app is up to date\n" in again


def test_what_lies_beside_the_project_is_there_and_what_the_callers_git_ignores_refused_in_a_container_too(
    base: str, kept_before: set[tuple[str, str]], tmp_path: Path
) -> None:
    table = '[tool.pystatic-tasks]\nscript = "main.py"\nfreeze.data = ["data:data", "../beside:beside"]\n'
    files = {"pyproject.toml": table, "main.py": "print(1)\n", "data/page.html": "x", "data/notes.txt": "x"}
    project = write_project(tmp_path / "shop", files, "shop")
    project.run("git", "init", "-q", ".")
    (tmp_path / "rules").write_text("notes.txt\n", encoding="utf-8")
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "id_rsa").touch()
    (tmp_path / "gitconfig").write_text(f"[core]\nexcludesFile = {tmp_path}/rules\n", encoding="utf-8")
    words = ("-s", "freeze", "--", "--in", "docker")
    settings = str(tmp_path / "gitconfig")
    printed = project.nox(*words, ok=False, PYSTATIC_TASKS_BUILD_IMAGE=base, GIT_CONFIG_GLOBAL=settings)
    assert (
        "2 files of the project would go into shop unasked:\n"
        "nox >   ../beside/id_rsa: a private key\nnox >   data/notes.txt: git ignores it\n"
    ) in printed


def test_nothing_of_the_caller_stays_when_it_is_interrupted(
    base: str, kept_before: set[tuple[str, str]], tmp_path: Path
) -> None:
    table = '[tool.pystatic-tasks]\nscript = "main.py"\nsmoke.env = { TOKEN = "$TOKEN" }\n'
    # It gives its values to whoever looks at the logs, and goes on for long.
    main = "import os, time\nprint('token', os.environ['TOKEN'], flush=True)\ntime.sleep(60)\n"
    project = write_project(tmp_path / "shop", {"pyproject.toml": table, "main.py": main}, "shop")
    building = subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, "-m", "nox", "-s", "freeze", "--", "--in", "docker"],
        cwd=project.root,
        env={**clean_environment(), "PYSTATIC_TASKS_BUILD_IMAGE": base, "TOKEN": SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until_observed(building)
        building.send_signal(signal.SIGINT)
        printed = building.communicate(timeout=60)[0]
    finally:
        building.kill()
        building.communicate()
    assert building.returncode == 130, printed
    assert {kind for kind, _ in kept() - kept_before} <= {"image"}
    assert output("docker", "ps", "--all", "--quiet", "--filter", "name=^pystatic-") == ""


def wait_until_observed(building: subprocess.Popen[str]) -> None:
    """Wait until the script runs in the container."""
    end = time.monotonic() + 180
    while "main.py" not in in_containers():
        assert building.poll() is None
        assert time.monotonic() < end
        time.sleep(0.2)


def in_containers() -> str:
    """The command lines of all that runs in containers of ours."""
    names = output("docker", "ps", "--quiet", "--filter", "name=^pystatic-").split()
    tops = [subprocess.run(["docker", "top", name], capture_output=True, text=True, check=False) for name in names]
    return "".join(top.stdout for top in tops)


def plant_links(work: Path, outside: Path) -> Path:
    """Have a folder of work files lead to a folder and a file outside of the project; the file."""
    precious = outside / "folder/file"
    precious.parent.mkdir(parents=True)
    precious.write_text("precious", encoding="utf-8")
    (work / "kept").mkdir(parents=True)
    (work / "kept/layers").symlink_to(outside)
    for name in ("container.log", "pull.log", "builder.log", "launcher.log", "freeze.json"):
        (work / name).symlink_to(precious)
    return precious


def build(project: Project, base: str, netrc: Path) -> str:
    """Build in a container; what was printed."""
    command = shown("docs/how-to.md", "nox -s image -- --in docker")
    env = {"PYSTATIC_TASKS_BUILD_IMAGE": base, "PIP_OF_NOBODY": SECRET, "NETRC": str(netrc)}
    return command.typed(project.root, {"--in docker": "--engine sandbox --in docker"}, env=env)


def check_nothing_stays(project: Project, builder: str, volume: str) -> None:
    """The caller's secrets are nowhere, and the files are the caller's own."""
    assert SECRET not in output("docker", "image", "inspect", builder) + output("docker", "history", builder)
    search = ("docker", "run", "--rm", "--volume", f"{volume}:/kept", builder, "grep", "-rl", SECRET, "/kept")
    found = subprocess.run(search, capture_output=True, check=False)
    assert (found.returncode, found.stdout) == (1, b"")
    assert output("docker", "ps", "--all", "--quiet", "--filter", "name=^pystatic-") == ""
    left = [path for name in ("build", "dist") for path in (project.root / name).rglob("*") if path.is_file()]
    assert not [path for path in left if SECRET.encode() in path.read_bytes()]
    assert {path.stat().st_uid for path in left} == {os.geteuid()}
