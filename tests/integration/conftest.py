"""What integration tests share: the sample app, built once, and the engines that are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scheduling
from support import TAG, Project, copy_repository, engine_or_skip

from pystatic_tasks.engines import Engine


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Do not even read what would be left out."""
    return True if config.option.markexpr == "not integration" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = f"{Path(__file__).parent}/"
    mine = [item for item in items if str(item.path).startswith(folder)]
    for item in mine:
        item.add_marker(pytest.mark.integration)
    others = [item for item in items if not str(item.path).startswith(folder)]
    items[:] = [*others, *sorted(mine, key=scheduling.place)]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> scheduling.ByBuild | None:
    return scheduling.ByBuild(config, log) if config.getoption("dist") == "load" else None


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The sample app, built; tests leave it as it is."""
    project = copy_repository(tmp_path_factory.mktemp("sample") / "repository")
    project.configure("image.healthcheck", f'image.tags = ["{TAG}"]\nimage.healthcheck')
    project.nox("-s", "image", "--", "--engine", "sandbox")
    return project


@pytest.fixture(scope="session")
def sample_by_staticx(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same as StaticX packs it."""
    project = copy_repository(tmp_path_factory.mktemp("staticx") / "repository")
    more = f'packer = "staticx"\nimage.tags = ["{TAG}"]'
    project.configure("image.healthcheck", f"{more}\nimage.healthcheck")
    project.nox("-s", "image", "--", "--engine", "sandbox")
    return project


@pytest.fixture(params=["launcher", "staticx"])
def packed_sample(request: pytest.FixtureRequest) -> Project:
    """The sample app by each packer."""
    name = "sample" if request.param == "launcher" else "sample_by_staticx"
    project: Project = request.getfixturevalue(name)
    return project


@pytest.fixture
def sample_copy(sample: Project) -> Iterator[Project]:
    """The built sample app with a configuration that the test may change; it is put back afterwards."""
    yield from put_back(sample)


@pytest.fixture
def staticx_copy(sample_by_staticx: Project) -> Iterator[Project]:
    """The same by StaticX."""
    yield from put_back(sample_by_staticx)


def put_back(project: Project) -> Iterator[Project]:
    path = project.root / "pyproject.toml"
    before = path.read_text(encoding="utf-8")
    yield project
    path.write_text(before, encoding="utf-8")


@pytest.fixture(scope="session")
def docker() -> Engine:
    return engine_or_skip("docker")


@pytest.fixture(scope="session")
def podman() -> Engine:
    return engine_or_skip("podman")
