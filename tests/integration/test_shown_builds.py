"""What the documentation shows and takes builds of its own, typed in projects of the kind that it speaks of."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers_shown import started, wait_for
from shown import as_shown, shown
from support import REPOSITORY, SHOP_BY_HATCHLING, Project, engine_or_skip, only_everywhere, write_project

pytestmark = only_everywhere

WSGI = """
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"open"]
"""
ASGI = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"open"})
"""
PROJECT = SHOP_BY_HATCHLING + 'packages = ["shop"]\n'
TABLE = '[tool.pystatic-tasks]\napp = "shop.web:app"\nlayout = "tree"\n'
IN_SANDBOX = {"PYSTATIC_TASKS_SMOKE_ENGINE": "sandbox", "NOX_DEFAULT_VENV_BACKEND": "uv"}


def block(page: str, line: str) -> str:
    """The block of a page that has such a line."""
    blocks = re.findall(
        r"^```\w+\n(.*?)^```$", (REPOSITORY / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return str(next(each for each in blocks if line in each))


def make(root: Path, application: str, more: str = "") -> Project:
    """The project `shop`, with the noxfile of the README; its image has a tag of its own."""
    tag = f'image.tags = ["pystatic-test-{secrets.token_hex(4)}"]\n'
    files = {
        "pyproject.toml": f"{PROJECT}{TABLE}{tag}{more}",
        "shop/__init__.py": "",
        "shop/web.py": application,
        "noxfile.py": block("README.md", "# noxfile.py"),
    }
    return write_project(root / "shop", files, "shop")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A service with a volume, as a tree."""
    project = make(tmp_path_factory.mktemp("wsgi"), WSGI, 'image.volumes = ["/var/lib/shop"]\n')
    yield project
    remove(project)


def image_of(project: Project) -> str:
    return str(project.manifest("image.json")["tags"][0])


def remove(project: Project) -> None:
    """The images that Docker got of a project."""
    listed = [
        "docker",
        "image",
        "ls",
        "--quiet",
        "--filter",
        f"reference={image_of(project).partition(':')[0]}:pystatic-*",
    ]
    found = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
    if found:
        subprocess.run(["docker", "image", "rm", "--force", *found], check=True, capture_output=True)


def test_built_twice_it_is_the_same(shop: Project) -> None:
    command = shown("docs/guarantees.md", "nox -s image -- --check-reproducible")
    printed = command.typed(shop.root, env=IN_SANDBOX)
    assert f"nox > reproducible: two builds gave {shop.manifest('image.json')['digest']}" in printed


def test_repaired_and_slim(shop: Project) -> None:
    assert "Session smoke was successful" in shown("docs/how-to.md", "nox -s smoke -- --fix").typed(
        shop.root, env=IN_SANDBOX
    )
    command = shown("docs/slim.md", "nox -s slim")
    as_shown(command, command.typed(shop.root, env=IN_SANDBOX))
    (shop.root / "pystatic.lock").unlink()


def test_by_invoke(shop: Project) -> None:
    (shop.root / "tasks.py").write_text(block("docs/how-to.md", "# tasks.py"), encoding="utf-8")
    tags = [f"pystatic-test-{secrets.token_hex(4)}" for _ in range(2)]
    ours = {"--tag 1.4": f"--tag {tags[0]}", "--tag latest": f"--tag {tags[1]}"}
    assert "dist/pystatic/shop/image.tar" in shown("docs/how-to.md", "inv image").typed(shop.root, ours, env=IN_SANDBOX)
    assert {f"shop:{tag}" for tag in tags} <= set(shop.manifest("image.json")["tags"])
    assert "Session smoke was successful" in shown("docs/how-to.md", "inv smoke").typed(shop.root, env=IN_SANDBOX)


def test_in_docker_with_a_volume_and_without_shared_memory(shop: Project) -> None:
    engine_or_skip("docker")
    shop.nox("-s", "image", "--", "--engine", "sandbox", NOX_DEFAULT_VENV_BACKEND="uv")
    subprocess.run(["docker", "load", "--input", shop.result("image.tar")], check=True, capture_output=True)
    ours = {" shop": f" {image_of(shop)}"}
    volume = f"pystatic-test-{secrets.token_hex(4)}"
    try:
        with started(shown("docs/how-to.md", "docker run --read-only --volume"), {"shop-data": volume, **ours}) as name:
            wait_for(name, "Booting worker")
    finally:
        subprocess.run(["docker", "volume", "rm", volume], check=True, capture_output=True)
    command = shown("docs/layouts.md", "docker run --read-only --ipc none")
    as_shown(command, command.typed(shop.root, {"docker run": "docker run --rm", **ours}, ok=False))


def test_uvicorn_takes_variables_and_arguments(tmp_path: Path) -> None:
    engine_or_skip("docker")
    project = make(tmp_path, ASGI, block("docs/how-to.md", 'kind = "uvicorn"'))
    project.nox("-s", "image", "--", "--engine", "sandbox", NOX_DEFAULT_VENV_BACKEND="uv")
    subprocess.run(["docker", "load", "--input", project.result("image.tar")], check=True, capture_output=True)
    ours = {" shop": f" {image_of(project)}"}
    try:
        with started(shown("docs/how-to.md", "docker run -e PORT=9000", 2), ours) as name:
            wait_for(name, "Uvicorn running on http://0.0.0.0:9000")
            wait_for(name, "Application startup complete", times=8)
        with started(shown("docs/how-to.md", "docker run shop --workers 8 --no-access-log"), ours) as name:
            wait_for(name, "Application startup complete", times=8)
    finally:
        remove(project)


def test_a_program_gets_words_of_the_command_line(tmp_path: Path) -> None:
    script = "import sys\n\nprint(sys.argv[1:])\nsys.exit(3)\n"
    table = '[tool.pystatic-tasks]\nscript = "shop.py"\nlayout = "tree"\n'
    project = write_project(tmp_path / "shop", {"pyproject.toml": table, "shop.py": script}, "shop")
    (project.root / "noxfile.py").unlink()
    command = shown("docs/how-to.md", "pystatic run -- import")
    printed = command.typed(project.root, env=IN_SANDBOX, ok=False)
    assert "['import', '--all', 'prices.csv']" in printed
