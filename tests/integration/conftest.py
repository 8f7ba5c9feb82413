"""What integration tests share: the sample app, built once, and the engines that are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import TAG, Project, copy_repository, engine_or_skip

from pystatic_tasks.engines import Engine

# Files in which most of the time goes: begun first, so that all workers end at about the same time.
LONGEST_FIRST = ("test_projects", "test_tree", "test_interruptions", "test_recipe", "test_adoption")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {file: place for place, file in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The sample app, built; tests leave it as it is."""
    project = copy_repository(tmp_path_factory.mktemp("sample") / "repository")
    project.configure("image.healthcheck", f'image.tags = ["{TAG}"]\nimage.healthcheck')
    project.nox("-s", "image", "--", "--engine", "sandbox")
    return project


@pytest.fixture
def sample_copy(sample: Project, tmp_path: Path) -> Iterator[Project]:
    """The built sample app with a configuration that the test may change; it is put back afterwards."""
    path = sample.root / "pyproject.toml"
    before = path.read_text(encoding="utf-8")
    yield sample
    path.write_text(before, encoding="utf-8")


@pytest.fixture
def docker() -> Engine:
    return engine_or_skip("docker")


@pytest.fixture
def podman() -> Engine:
    return engine_or_skip("podman")
