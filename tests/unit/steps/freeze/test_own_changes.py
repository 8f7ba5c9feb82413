from __future__ import annotations

import time
from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.in_env.elsewhere import moment
from pystatic_tasks.steps.freeze.own_changes import files_there, find_written
from pystatic_tasks.steps.written import Written


@pytest.fixture
def image(tmp_path: Path) -> ImageConfig:
    """Of a project that is not installed."""
    return ImageConfig(root=tmp_path / "shop", project=tmp_path / "shop", name="shop", app="shop:app", install=())


@pytest.fixture
def site(image: ImageConfig) -> Path:
    site = image.root / ".nox/freeze/lib/python3.13/site-packages"
    install_distribution(site, "certifi", "certifi/cacert.pem")
    (site.parents[2] / "pyvenv.cfg").touch()
    return site


def write(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x", encoding="utf-8")
    return str(path)


def test_what_was_there_is_changed_and_all_else_is_made(image: ImageConfig, site: Path, tmp_path: Path) -> None:
    python = site.parents[2] / "bin/python"
    old = write(image.root / "web/old.json")
    same = write(image.root / "web/inner/same.json")
    there = files_there(image, python)
    time.sleep(0.05)
    began = moment()
    changed = [
        *(write(image.root / name) for name in ("web/old.json", "web/new.json", "node_modules/x.js")),
        *(write(image.work / "target.log"), write(tmp_path / "elsewhere.json")),
        *(write(site / name) for name in ("certifi/cacert.pem", "certifi/cache.json", "x/__pycache__/x.pyc")),
    ]
    write(image.root / "made/by/another.db")
    folders = [str(image.root / name) for name in ("made", "web")]
    found = find_written(image, python, [*changed, *folders, same], there, Written(), began)
    assert found == Written(
        made=frozenset(map(str, (image.root / "web/new.json", image.root / "made/by/another.db"))).union(
            [str(site / "certifi/cache.json")]
        ),
        changed=frozenset([old, str(site / "certifi/cacert.pem")]),
    )


def test_what_was_made_earlier_stays_so_whoever_writes_it_again(image: ImageConfig, site: Path) -> None:
    python = site.parents[2] / "bin/python"
    made, other = write(image.root / "web/app.db"), write(image.root / "web/other.db")
    there = files_there(image, python)
    earlier = Written(made=frozenset([made, other]))
    assert find_written(image, python, [made], there, earlier, 0) == earlier
    assert find_written(image, python, [], there, Written(), 0) == Written()
