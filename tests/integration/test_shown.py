"""What the documentation shows, typed with the built sample app."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers_shown import started, wait_for
from registries import Registry, running_registry, write_docker_config
from shown import Command, as_shown, shown
from support import REPOSITORY, TAG, Project, engine_or_skip, tool_or_skip, write_project

from pystatic_tasks.config.model import Request
from pystatic_tasks.in_env.web.client import free_port, send

IN_SANDBOX = {"PYSTATIC_TASKS_SMOKE_ENGINE": "sandbox"}
IMAGE = f"sample-app:{TAG}"
APPLICATION = """
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"open"]
"""
PYPROJECT = '[project]\nname = "shop"\nversion = "1.4"\ndependencies = ["gunicorn"]\n'


@pytest.fixture(scope="module")
def loaded(sample: Project) -> Iterator[Project]:
    """The sample app, whose image Docker has."""
    engine_or_skip("docker")
    printed = shown("README.md", "docker load").typed(sample.root)
    assert printed.splitlines()[-1] == f"Loaded image: {IMAGE}"
    yield sample
    subprocess.run(["docker", "image", "rm", "--force", IMAGE], check=True, capture_output=True)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with running_registry(tmp_path / "registry") as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """A small project without anything of ours."""
    files = {"pyproject.toml": PYPROJECT, "shop.py": APPLICATION, "admin.py": APPLICATION}
    project = write_project(tmp_path / "shop", files, "shop")
    (project.root / "noxfile.py").unlink()
    return project


def test_the_steps_of_the_readme(sample: Project) -> None:
    assert "image.tar is up to date" in shown("README.md", "nox -s image").typed(sample.root, env=IN_SANDBOX)
    assert "Session smoke was successful" in shown("README.md", "nox -s smoke").typed(sample.root, env=IN_SANDBOX)
    port = free_port()
    run_until_ctrl_c(
        shown("README.md", "nox -s run"),
        {"nox -s run": f"nox -s run -- --engine sandbox --publish {port}"},
        sample,
    )


def test_a_shell_is_opened_in_which_nobody_types(sample: Project) -> None:
    tool_or_skip("busybox")
    for command in (shown("README.md", "nox -s shell"), shown("docs/how-to.md", "nox -s shell")):
        assert "nox > the shell ended with exit code 0\n" in command.typed(sample.root, env=IN_SANDBOX)


def test_it_runs_in_the_foreground_in_docker(sample: Project) -> None:
    engine_or_skip("docker")
    published = {"--engine docker": f"--engine docker --publish {free_port()}"}
    try:
        run_until_ctrl_c(shown("docs/how-to.md", "nox -s run"), published, sample)
    finally:
        subprocess.run(["docker", "image", "rm", "--force", IMAGE], check=True, capture_output=True)


def run_until_ctrl_c(command: Command, instead: dict[str, str], project: Project) -> None:
    """Type a command that runs until Ctrl-C, and press it when the workers are there."""
    with command.begun(project.root, instead, {}) as process:
        assert process.stdout is not None
        before = []
        for line in process.stdout:
            before.append(line)
            if "Booting worker" in line:
                break
        assert any("Ctrl-C ends it" in line for line in before), before
        os.killpg(process.pid, signal.SIGINT)
        after = process.stdout.read()
    assert "nox > sample-app ended with exit code 0 after " in after


def test_the_image_of_the_readme_answers(loaded: Project) -> None:
    port = free_port()
    command = shown("README.md", "docker run --rm")
    with started(command, {" sample-app": f" {IMAGE}", "-p 8000:": f"-p 127.0.0.1:{port}:"}) as name:
        wait_for(name, "Booting worker")
        assert send(Request(path="/?min=2&max=2"), ("127.0.0.1", port), 20).status == 200


def test_the_server_takes_variables_and_arguments(loaded: Project) -> None:
    ours = {" shop": f" {IMAGE}"}
    with started(shown("docs/how-to.md", "docker run -e PORT=9000"), ours) as name:
        assert "Listening at: http://0.0.0.0:9000" in wait_for(name, "Booting worker", times=8)
    with started(shown("docs/how-to.md", "docker run shop --workers 8 --access-logfile -"), ours) as name:
        wait_for(name, "Booting worker", times=8)
    checked = shown("docs/how-to.md", "docker run shop --check-config")
    checked.typed(loaded.root, {"docker run": "docker run --rm", **ours})


@pytest.mark.parametrize(
    "command",
    [
        shown("docs/how-to.md", "docker run --read-only --cap-drop ALL --security-opt no-new-privileges shop"),
        shown("docs/how-to.md", "docker run --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs"),
    ],
)
def test_it_runs_as_it_is_deployed(command: Command, loaded: Project) -> None:
    with started(command, {" shop": f" {IMAGE}"}) as name:
        wait_for(name, "Booting worker")


def test_docker_builds_the_same(sample: Project) -> None:
    engine_or_skip("docker")
    command = shown("docs/how-to.md", "docker build")
    tag = f"{IMAGE}-built"
    typed = command.typed(sample.root, {"docker build": f"docker build --quiet --tag {tag}", "/shop": "/sample-app"})
    assert "sha256:" in typed
    subprocess.run(["docker", "image", "rm", tag], check=True, capture_output=True)


def test_what_is_inside(sample: Project) -> None:
    command = shown("docs/how-to.md", "nox -s sbom")
    as_shown(command, command.typed(sample.root, env=IN_SANDBOX))
    shown("docs/how-to.md", "nox -s sbom -- --format").typed(sample.root, env=IN_SANDBOX)
    shown("docs/how-to.md", "sbomcheck --comply ntia").typed(sample.root)
    shown("docs/how-to.md", "sbomcheck --sbom-spec").typed(sample.root)


def test_the_digest_alone(sample: Project) -> None:
    tool_or_skip("jq")
    command = shown("docs/how-to.md", "nox -s image -- --json")
    printed = command.typed(sample.root, {"--json |": "--json 2>/dev/null |"}, env=IN_SANDBOX)
    as_shown(command, printed)
    assert printed.strip() == sample.manifest("image.json")["digest"]


@pytest.mark.parametrize("command", [shown("README.md", "nox -s push"), shown("docs/how-to.md", "nox -s push")])
def test_pushed(command: Command, sample: Project, registry: Registry, tmp_path: Path) -> None:
    nobody = write_docker_config(tmp_path / "nobody", {})
    printed = command.typed(sample.root, {"registry.example": registry.address}, env={**IN_SANDBOX, **nobody})
    digest = sample.manifest("push.json")["digest"]
    assert f"{registry.address}/shop@{digest}" in printed.splitlines()
    assert "1.4" in registry.tags("shop")


@pytest.fixture
def manifests(sample: Project) -> Iterator[Path]:
    """What is deployed, as the page has it, for the sample app."""
    page = (REPOSITORY / "docs" / "places" / "kubernetes.md").read_text(encoding="utf-8")
    [text] = re.findall(r"```yaml\n# k8s/shop.yaml\n(.*?)```", page, re.DOTALL)
    folder = sample.root / "k8s"
    folder.mkdir()
    (folder / "shop.yaml").write_text(text.replace("pystatic://shop", "pystatic://sample-app"), encoding="utf-8")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.usefixtures("manifests")
def test_deployed_by_digest(sample: Project, registry: Registry, tmp_path: Path) -> None:
    """As far as it goes without a cluster: kubectl would get what is printed."""
    variables = {**IN_SANDBOX, **write_docker_config(tmp_path / "nobody", {})}
    applied = {" | kubectl apply -f -": ""}
    tag = f"--tag {registry.address}/shop:1.4"
    for command, instead in (
        (shown("README.md", "nox -s resolve"), {"-f k8s/": f"-f k8s/ {tag}"}),
        (shown("docs/places/kubernetes.md", "nox -s resolve"), {"registry.example": registry.address}),
        (
            shown("docs/places/kubernetes.md", "kubectl kustomize"),
            {"kubectl kustomize overlays/production": "cat k8s/shop.yaml", "-- -f -": f"-- -f - {tag}"},
        ),
        (shown("docs/places/kubernetes.md", "nox --no-dependencies"), {}),
    ):
        printed = command.typed(sample.root, {**applied, **instead}, env=variables)
        assert f"image: {registry.address}/shop@{sample.manifest('push.json')['digest']}" in printed


def test_a_project_begins(shop: Project) -> None:
    pyproject = shop.root / "pyproject.toml"
    assert "+[tool.pystatic-tasks]\n" in shown("docs/how-to.md", "pystatic init --dry-run").typed(shop.root)
    assert pyproject.read_text(encoding="utf-8") == PYPROJECT
    another = shown("docs/how-to.md", "pystatic init --target")
    assert '+app = "admin:app"\n' in another.typed(shop.root, {"shop.admin:app": "admin:app --dry-run"})
    shown("docs/how-to.md", "pystatic init", 2).typed(shop.root)
    assert '[tool.pystatic-tasks]\napp = "shop:app"\n' in pyproject.read_text(encoding="utf-8")


def test_the_machine_is_looked_at(sample: Project) -> None:
    printed = shown("docs/how-to.md", "pystatic check").typed(sample.root, env=IN_SANDBOX)
    assert "  ok       platform: linux/" in printed
    assert "  ok       binutils: strip " in printed


def test_the_configuration_is_checked(sample: Project) -> None:
    folder = Path(shown("docs/how-to.md", "python -c").typed(sample.root).strip())
    assert json.loads((folder / "pystatic-tasks.schema.json").read_text(encoding="utf-8"))
    command = shown("docs/how-to.md", "validate-pyproject")
    as_shown(command, command.typed(sample.root))
