"""Frozen in a container: the same bytes as on a Linux with the same Python, and nothing of the caller is left."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from shown import shown
from support import DEBIANS_PYTHON, Project, copy_repository, engine_or_skip, tool_or_skip

BASE = "pystatic-test-base"
# In no file of the repository, which is what is built.
SECRET = secrets.token_hex(16)
# What a base must hold, beside what every Debian has.
PACKAGES = ("python3-venv", "binutils", "git", "openssh-client", "ca-certificates", "tzdata", "media-types")
NOT_FOLLOWED = [f"--no-{each}" for each in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
LINKS = ("/bin", "/sbin", "/lib", "/lib64")
# What installations make that are no package's files.
MADE = ("/var/lib/dpkg", "/etc/alternatives", "/etc/passwd", "/etc/group", "/etc/ld.so.cache", "/etc/ssl/certs")


def own_packages() -> set[str]:
    """Packages of this machine that a small Debian with Debian's Python is made of."""
    shown = output("dpkg-query", "--show", "--showformat=${Package} ${Essential}\n").splitlines()
    installed = {line.split()[0] for line in shown}
    essential = {line.split()[0] for line in shown if line.endswith(" yes")}
    library = f"libpython{DEBIANS_PYTHON.resolve().name.removeprefix('python')}"
    wanted = sorted({*essential, *PACKAGES, library} & installed)
    lines = output("apt-cache", "depends", "--recurse", "--installed", *NOT_FOLLOWED, *wanted).splitlines()
    return {line.partition(":")[0] for line in lines} & installed


def own_files() -> set[str]:
    """Their files and folders, by the paths that lead through no links, and the links beside them."""
    listed = output("dpkg-query", "--listfiles", *sorted(own_packages())).splitlines()
    made = (path for top in MADE for path in (Path(top), *Path(top).rglob("*")))
    found = (path for path in (*map(Path, (*LINKS, *listed)), *made) if path.name and os.path.lexists(path))
    return {str(path.parent.resolve() / path.name) for path in found}


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """An image of this machine's own Debian, with its Python."""
    engine_or_skip("docker")
    for tool in ("dpkg-query", "git", "ssh", "strip"):
        tool_or_skip(tool)
    if not DEBIANS_PYTHON.exists():
        pytest.skip("there is no Python of Debian's here")
    names = "\0".join(sorted(path.removeprefix("/") for path in own_files()))
    tar = ("tar", "--create", "--directory=/", "--null", "--no-recursion", "--files-from=-")
    packed = subprocess.run(tar, input=names.encode(), capture_output=True, check=True).stdout
    subprocess.run(["docker", "import", "-", BASE], input=packed, capture_output=True, check=True)
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
    printed = build(there, base, tmp_path / "netrc")
    assert there.result("sample-app").read_bytes() == here.result("sample-app").read_bytes()
    assert there.manifest("image.json")["digest"] == here.manifest("image.json")["digest"]
    assert there.result("image.tar").read_bytes() == here.result("image.tar").read_bytes()
    assert SECRET not in printed
    (_, builder), (_, volume) = sorted(kept() - kept_before)
    check_nothing_stays(there, builder, volume)
    again = build(there, base, tmp_path / "netrc")
    assert "nox > build environment is up to date\n" in again
    assert "nox > dist/pystatic/sample-app/sample-app is up to date\n" in again


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
