from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config.model import Freeze, ImageConfig, Observe, Service, Smoke
from pystatic_tasks.steps.freeze.inputs import sources

NO_ENVIRONMENT = Path("/nowhere/bin/python")


@pytest.fixture
def config(tmp_path: Path) -> ImageConfig:
    (tmp_path / "pyproject.toml").touch()
    return ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")


def names(config: ImageConfig) -> list[str]:
    """What is watched, from the project's folder."""
    return [path.removeprefix(str(config.root)) for path in sources(config, NO_ENVIRONMENT)]


def test_people_change_the_project_and_what_may_come_to_it(config: ImageConfig) -> None:
    assert names(config) == ["", "/gunicorn.conf.py", "/pyproject.toml", "/pystatic.lock"]


def test_what_the_configuration_names_is_among_it(config: ImageConfig) -> None:
    for name in ("reqs.txt", "more.txt", "load.sh", "db.sh", "outside/x"):
        (config.root / name).parent.mkdir(exist_ok=True)
        (config.root / name).touch()
    (config.root / "reqs.txt").write_text("-r more.txt\n", encoding="utf-8")
    changed = replace(
        config,
        app=None,
        script="job.py",
        requirements=("reqs.txt",),
        freeze=Freeze(data=("prices.csv:data",)),
        smoke=Smoke(command=("load.sh", "--all", "/etc/passwd")),
        observe=Observe(command=("load.sh",)),
        services=(Service(name="db", command=("db.sh", "nothing"), port=1),),
    )
    assert names(changed) == [
        "",
        "/db.sh",
        "/load.sh",
        "/more.txt",
        "/prices.csv",
        "/pyproject.toml",
        "/pystatic.lock",
        "/reqs.txt",
    ]


def test_only_the_folder_that_is_installed_is_watched_whole(config: ImageConfig) -> None:
    backend = config.root / "backend"
    backend.mkdir()
    (backend / "pyproject.toml").touch()
    inner = replace(config, project=backend, install=("./backend[web]",))
    assert names(inner) == [
        "/backend",
        "/backend/pyproject.toml",
        "/gunicorn.conf.py",
        "/pyproject.toml",
        "/pystatic.lock",
    ]
