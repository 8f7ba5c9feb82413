from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.in_env.installed.elsewhere import moment
from pystatic_tasks.steps.freeze.data.own_changes import files_there, find_written
from pystatic_tasks.steps.secrets.written import Written


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


def write(path: Path, text: str = "x") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def written_since(image: ImageConfig, site: Path, write_all: Callable[[], list[str]], earlier: Written) -> Written:
    """What counts as written of the paths that something changes."""
    python = site.parents[2] / "bin/python"
    there = files_there(image, python, earlier)
    time.sleep(0.05)
    began = moment()
    return find_written(image, python, write_all(), there, earlier, began)


def test_what_was_there_is_changed_and_all_else_is_made(image: ImageConfig, site: Path, tmp_path: Path) -> None:
    old = write(image.root / "web/old.json", "old")
    same = write(image.root / "web/inner/same.json")

    def write_all() -> list[str]:
        changed = [
            *(write(image.root / name) for name in ("web/old.json", "web/new.json", "node_modules/x.js")),
            *(write(image.work / "target.log"), write(tmp_path / "elsewhere.json")),
            *(write(site / name) for name in ("certifi/cacert.pem", "certifi/cache.json", "x/__pycache__/x.pyc")),
        ]
        write(image.root / "made/by/another.db")
        return [*changed, str(image.root / "made"), same]

    assert written_since(image, site, write_all, Written()) == Written(
        made=frozenset(map(str, (image.root / "web/new.json", image.root / "made/by/another.db"))).union(
            [str(site / "certifi/cache.json")]
        ),
        changed=frozenset([old, str(site / "certifi/cacert.pem")]),
    )


def test_what_was_made_earlier_stays_so_whoever_writes_it_again(image: ImageConfig, site: Path) -> None:
    made, other, changed = (write(image.root / f"web/{name}") for name in ("app.db", "other.db", "changed.json"))
    earlier = Written(made=frozenset([made, other]), changed=frozenset([changed]))
    again = [made, changed]
    assert written_since(image, site, lambda: [write(Path(path)) for path in again], earlier) == earlier
    assert written_since(image, site, list, Written()) == Written()


def test_what_has_the_same_content_as_before_is_not_written(image: ImageConfig, site: Path) -> None:
    loose, installed = image.root / "web/app.css", site / "shop/app.css"
    install_distribution(site, "shop", "shop/app.css")
    write(loose)
    content = installed.read_text(encoding="utf-8")
    paths = {loose: "x", installed: content}
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).decode().rstrip("=")
    (site / "shop-1.0.dist-info/RECORD").write_text(
        f"shop/app.css,sha256={digest},1\nshop/b.css,,\nshop/c.css,md5=x,\n", encoding="utf-8"
    )
    assert written_since(image, site, lambda: [write(*pair) for pair in paths.items()], Written()) == Written()


def test_a_folder_that_was_there_is_none_that_the_program_made(image: ImageConfig, site: Path) -> None:
    page = write(image.root / "web/static/page.html")

    def write_all() -> list[str]:
        write(image.root / "web/static/page.html", "edited")
        write(site / "certifi/other.json")
        return [str(image.root / "web/static"), str(image.root / "web"), str(site / "certifi")]

    assert written_since(image, site, write_all, Written()) == Written()
    assert Path(page).read_text(encoding="utf-8") == "edited"


def test_a_file_of_an_installed_project_that_was_there_is_changed(image: ImageConfig, site: Path) -> None:
    installed = replace(image, install=(".",))
    path = write(image.root / "src/shop/openapi.json")
    found = written_since(installed, site, lambda: [write(Path(path), "new")], Written())
    assert found == Written(changed=frozenset([path]))
