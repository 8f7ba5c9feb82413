"""Ordinary projects, as people have them: each is built, run and asked in both layouts."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import REPOSITORY, Project, tool_or_skip

PROJECTS = REPOSITORY / "tests" / "projects"
LAYOUTS = ("tree", "onefile")
# Each folder with the images that it makes.
IMAGES = {
    "flask_shop": ["flask-shop"],
    "flask_single": ["flask-single"],
    "django_notes": ["django-notes"],
    "bottle_clock": ["bottle-clock"],
    "plain_wsgi": ["plain-wsgi"],
    "fastapi_shop": ["fastapi-shop"],
    "starlette_live": ["starlette-live"],
    "falcon_inventory": ["acme-inventory"],
    "typer_greet": ["greet", "fails"],
    "queue_worker": ["queue-worker"],
    "batteries": ["batteries-app"],
    "compiled": ["compiled-checks"],
}
BUILDERS = 2


@dataclass(frozen=True)
class Built:
    """What came of one project in one layout: what Nox printed, and the manifests of each image."""

    printed: str
    images: Mapping[str, Mapping[str, Any]]
    reports: Mapping[str, Mapping[str, Any]]


def build(name: str, root: Path, layout: str) -> Built:
    """Build and smoke-test it where it lies; the environment is shared by the layouts."""
    project = Project(root)
    printed = project.nox("-db", "uv", "-s", "smoke", "--", "--layout", layout, "--engine", "sandbox")
    folders = {image: root / "dist" / "pystatic" / image for image in IMAGES[name]}
    for folder in folders.values():
        shutil.copy(folder / "image.tar", folder / f"{layout}.tar")
    return Built(
        printed=printed,
        images={image: read(folder / "image.json") for image, folder in folders.items()},
        reports={image: read(folder / "smoke.json") for image, folder in folders.items()},
    )


def read(path: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@dataclass(frozen=True)
class Workshop:
    """Builds that run side by side, each project in a folder of its own."""

    folder: Path
    builds: Mapping[str, Future[dict[str, Built]]]

    def built(self, name: str, layout: str) -> Built:
        return self.builds[name].result()[layout]


def build_all_layouts(name: str, root: Path) -> dict[str, Built]:
    shutil.copytree(PROJECTS / name, root)
    if name == "flask_shop":
        make_worktree(root)
    return {layout: build(name, root, layout) for layout in LAYOUTS}


def make_worktree(root: Path) -> None:
    """Make the folder a work tree of a repository that lies elsewhere."""
    git = ["git", "-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    repository = root.with_name("repository")
    root.rename(repository)
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "All"], ["worktree", "add", "-q", str(root)]):
        subprocess.run([*git, *command], cwd=repository, check=True, capture_output=True)


@pytest.fixture(scope="module")
def workshop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Starts the builds of all projects that selected tests ask for."""
    tool_or_skip("uv")
    folder = tmp_path_factory.mktemp("projects with spaces")
    asked = filter(None, map(project_of, request.session.items))
    with ThreadPoolExecutor(BUILDERS) as pool:
        jobs = {name: pool.submit(build_all_layouts, name, folder / name / "project") for name in dict.fromkeys(asked)}
        yield Workshop(folder=folder, builds=jobs)
        for job in jobs.values():
            job.cancel()


def project_of(item: pytest.Item) -> str | None:
    """The project that a test of this file is about."""
    parameters: Mapping[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    return parameters.get("name") if item.path == Path(__file__) else None


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", IMAGES)
def test_it_keeps_its_contract(name: str, layout: str, workshop: Workshop) -> None:
    built = workshop.built(name, layout)
    assert "FAILED" not in built.printed
    for image in IMAGES[name]:
        assert built.images[image]["layout"] == layout
        assert built.reports[image]["passed"]
        sizes = built.images[image]
        print(f"| {image} | {layout} | {sizes['size_bytes'] / 1e6:.2f} | {sizes['compressed_bytes'] / 1e6:.2f} |")
