"""What the pages for GitHub and GitLab show, typed in a container without privileges, as jobs there have."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from registries import running_registry
from support import REPOSITORY, SHOP_BY_HATCHLING, engine_or_skip, only_everywhere, tool_or_skip

PLACES = REPOSITORY / "docs" / "places"
# Debian's own image has no other languages either.
NO_LANGUAGES = 'Acquire::Languages "none";\n'
APPLICATION = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello from a job"]
"""
PYPROJECT = (
    SHOP_BY_HATCHLING
    + """only-include = ["shop.py"]
[tool.pystatic-tasks]
app = "shop:app"
layout = "tree"
smoke.requests = [{ path = "/", text = "hello from a job" }]
"""
)
NOXFILE = "import pystatic_tasks\n\npystatic_tasks.register()\n"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A container of a CI, with the project as its current folder, where pip finds this project as a released one."""

    container: str
    project: Path

    def run(self, lines: Sequence[str], **variables: str) -> str:
        """What the lines print, one after the other, until one fails."""
        options = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        command = ["docker", "exec", *options, self.container, "bash", "-ec", "\n".join(lines)]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert result.returncode == 0, result.stdout
        return result.stdout


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A small Debian 12, as an image."""
    engine_or_skip("docker")
    debootstrap = tool_or_skip("debootstrap")
    if os.geteuid() != 0:
        pytest.skip("debootstrap needs root")
    root = tmp_path_factory.mktemp("debian")
    subprocess.run([debootstrap, "--variant=minbase", "bookworm", root], check=True, stdout=subprocess.DEVNULL)
    (root / "etc/apt/apt.conf.d/no-languages").write_text(NO_LANGUAGES, encoding="utf-8")
    name = f"pystatic-test-{secrets.token_hex(4)}"
    copy = 'tar -C "$0" -c . | docker import - "$1"'
    subprocess.run(["sh", "-c", copy, root, name], check=True, stdout=subprocess.DEVNULL)
    yield name
    subprocess.run(["docker", "image", "rm", "--force", name], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def job(debian: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    project, wheels = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("wheels")
    subprocess.run([tool_or_skip("uv"), "build", "--quiet", "--wheel", "--out-dir", wheels, REPOSITORY], check=True)
    (project / "shop.py").write_text(APPLICATION, encoding="utf-8")
    (project / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (project / "noxfile.py").write_text(NOXFILE, encoding="utf-8")
    # Where packages come from here; nothing that lets the container do more.
    network = ["--network", "host", "--env", "PIP_INDEX_URL", "--env", "PIP_FIND_LINKS=/wheels"]
    if "PIP_CERT" in os.environ:
        network += ["--volume", f"{os.environ['PIP_CERT']}:/authorities.pem:ro", "--env", "PIP_CERT=/authorities.pem"]
    folders = ["--volume", f"{project}:/builds/shop", "--volume", f"{wheels}:/wheels:ro", "--workdir", "/builds/shop"]
    command = ["docker", "run", "--detach", "--init", *network, *folders, debian, "sleep", "900"]
    container = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    yield Job(container=container, project=project)
    subprocess.run(["docker", "rm", "--force", "--volumes", container], check=True, stdout=subprocess.DEVNULL)


def block(page: str, line: str) -> str:
    """The first YAML of a page that has such a line."""
    found = re.findall(r"```yaml\n(.*?)```", (PLACES / page).read_text(encoding="utf-8"), re.DOTALL)
    return str(next(each for each in found if line in map(str.strip, each.splitlines())))


def script(text: str, name: str) -> list[str]:
    """The lines of a job's script on GitLab."""
    [lines] = re.findall(rf"^{re.escape(name)}:\n(?:  \w.*\n)*?  script:\n((?:    .*\n)+)", text, re.MULTILINE)
    entries = re.split(r"^    - (?:>\n)?", lines, flags=re.MULTILINE)[1:]
    return [" ".join(each.split("\n")).strip() for each in entries]


def runs(text: str) -> list[str]:
    """The lines that steps run on GitHub."""
    return re.findall(r"^ *- run: (.*)$", text, re.MULTILINE)


def smoked(job: Job) -> tuple[str, bool]:
    """In which engine, and how."""
    report = json.loads((job.project / "dist/pystatic/shop/smoke.json").read_text(encoding="utf-8"))
    (job.project / "dist/pystatic/shop/smoke.json").unlink()
    return report["engine"], report["passed"]


def test_the_first_job_for_gitlab(job: Job) -> None:
    printed = job.run(script(block("gitlab.md", "smoke:"), "smoke"))
    assert "not checked by proot: the memory limit\n" in printed
    assert smoked(job) == ("proot", True)


def test_pystatic_check_says_what_is_there(job: Job) -> None:
    printed = job.run(["/nox/bin/pystatic check"])
    assert "  -        sandbox: does not work here: unshare: unshare failed: Operation not permitted\n" in printed
    assert "  ok       proot: PRoot 5.1.0\n" in printed
    assert "  ok       engine: auto selects proot\n" in printed


@only_everywhere
def test_the_push_for_gitlab(job: Job, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry") as registry:
        job.run(
            script(block("gitlab.md", "push:"), "push"),
            CI_REGISTRY=registry.address,
            CI_REGISTRY_USER="gitlab-ci-token",
            CI_REGISTRY_PASSWORD="hu: ntér2",
            CI_REGISTRY_IMAGE=f"{registry.address}/group/shop",
            CI_COMMIT_SHORT_SHA="0123abcd",
        )
        assert registry.tags("group/shop") == ["0123abcd"]
        known = json.loads(job.run(["cat ~/.docker/config.json"]))["auths"][registry.address]["auth"]
    assert base64.b64decode(known).decode() == "gitlab-ci-token:hu: ntér2"
    assert smoked(job) == ("proot", True)


@only_everywhere
def test_a_job_for_each_image_on_gitlab(job: Job) -> None:
    template = block("gitlab.md", ".image:")
    (job.project / "ci").mkdir()
    (job.project / "ci" / "image.yml").write_text(template, encoding="utf-8")
    one_of_several = NOXFILE.replace("register()", 'register(prefix="shop-")')
    (job.project / "noxfile.py").write_text(one_of_several, encoding="utf-8")
    # What the image python:3.12 has as its own.
    job.run(["export PATH=/nox/bin:$PATH", *script(block("gitlab.md", "list:"), "list")])
    (job.project / "noxfile.py").write_text(NOXFILE, encoding="utf-8")
    [session] = (job.project / "images.yml").read_text(encoding="utf-8").removeprefix(template).splitlines()
    assert session == "shop-smoke: { extends: .image, variables: { SESSION: shop-smoke } }"
    job.run(script(template, ".image"), SESSION="smoke")
    assert smoked(job) == ("proot", True)


@only_everywhere
def test_the_job_in_a_container_on_github(job: Job) -> None:
    lines = runs(block("github.md", "container: debian:12"))
    assert lines[-1] == "/nox/bin/nox -s smoke"
    job.run(lines, GITHUB_WORKSPACE="/builds/shop")
    assert smoked(job) == ("proot", True)


@only_everywhere
def test_the_steps_on_a_runner_of_github(job: Job) -> None:
    """As far as Debian has what that runner has."""
    page = (PLACES / "github.md").read_text(encoding="utf-8")
    lines = runs(page.partition("## On a runner\n")[2].partition("\n## ")[0])
    assert lines[-1] == "nox -s smoke"
    job.run(["apt-get install -y --no-install-recommends pipx sudo"])
    job.run(["export PATH=$HOME/.local/bin:$PATH", *lines])
    assert smoked(job) == ("proot", True)
