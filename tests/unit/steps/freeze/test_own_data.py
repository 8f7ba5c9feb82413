from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import install_distribution

from pystatic_tasks.config.model import Freeze, ImageConfig
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.freeze.own_data import check_own_data, find_origin

INSTALLED = ("shop/.env", "shop/page.html")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return tmp_path / "project"


@pytest.fixture
def site(root: Path) -> Path:
    """The packages of a build environment below the project, with the project's and somebody else's."""
    site = root / ".nox/freeze/lib/python3.13/site-packages"
    install_distribution(site, "shop", *INSTALLED, origin=root.as_uri())
    install_distribution(site, "certifi", "certifi/private.key")
    return site


def python(site: Path) -> Path:
    return site.parents[2] / "bin" / "python"


def make_image(root: Path, *data: str, install: tuple[str, ...] = (".",), **freeze: Any) -> ImageConfig:
    return ImageConfig(
        root=root, project=root, name="shop", app="shop:app", install=install, freeze=Freeze(data=data, **freeze)
    )


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x", encoding="utf-8")


def refused(image: ImageConfig, python: Path, *data: tuple[Path, str]) -> list[str]:
    """What is refused, and the entries that would let it in."""
    try:
        check_own_data(image, python, [(str(path), folder) for path, folder in data])
    except ConfigError as error:
        return [*error.details, error.remedy.rpartition("freeze.data: ")[2]]
    return []


def test_package_data_is_named_as_it_lies_in_the_project(root: Path, site: Path) -> None:
    write(root, "src/shop/.env", "src/shop/page.html")
    data = [(site / name, "shop") for name in INSTALLED]
    assert refused(make_image(root), python(site), *data) == [
        "src/shop/.env: a file of variables",
        '"src/shop/.env:shop".',
    ]


def test_package_data_of_unknown_origin_is_named_as_it_lies_in_the_program(root: Path, site: Path) -> None:
    assert refused(make_image(root), python(site), (site / "shop/.env", "shop"))[0] == (
        "shop/.env: a file of variables"
    )


def test_what_is_listed_by_hand_goes_in(root: Path, site: Path) -> None:
    write(root, "src/shop/.env", "tls.key")
    image = make_image(root, "src/shop/.env:./shop", "tls.key:.")
    assert refused(image, python(site), (site / "shop/.env", "shop")) == []


def test_data_of_others_is_their_own_business(root: Path, site: Path) -> None:
    assert refused(make_image(root), python(site), (site / "certifi/private.key", "certifi")) == []


def test_what_is_not_there_is_none_of_ours(root: Path, site: Path) -> None:
    assert refused(make_image(root), python(site), (site / "shop/.env.gone", "shop")) == []


def test_folders_of_data_are_looked_through(root: Path, site: Path) -> None:
    write(root, "pages/page.html", "pages/inner/.env", "pages/tls.key")
    assert refused(make_image(root, "pages:web/pages", "pages/tls.key:web/pages"), python(site)) == [
        "pages/inner/.env: a file of variables",
        '"pages/inner/.env:web/pages/inner".',
    ]


def test_data_of_packages_that_are_not_installed_is_looked_at(root: Path, site: Path) -> None:
    write(root, "shop/.env", "src/tools/inner/tls.key")
    image = make_image(root, install=(), collect=("tools.inner",))
    assert refused(image, python(site), (root / "shop/.env", "shop")) == [
        "shop/.env: a file of variables",
        "src/tools/inner/tls.key: a private key",
        '"shop/.env:shop", "src/tools/inner/tls.key:tools/inner".',
    ]


def test_static_files_that_were_collected_are_named_as_they_lie_in_the_project(root: Path, site: Path) -> None:
    write(root, "shop/assets/static/.env", "build/pystatic/shop/program/static/.env")
    collected = root / "build/pystatic/shop/program/static/.env"
    assert refused(make_image(root), python(site), (collected, "static"))[0] == (
        "shop/assets/static/.env: a file of variables"
    )


def test_an_origin_is_looked_for_where_projects_have_their_packages_first(root: Path) -> None:
    write(root, "src/shop/a", "lib/shop/a", "lib/shop/b")
    sources = [root / "lib/shop/a", root / "lib/shop/b"]
    assert [find_origin(Path("shop", name), [root], sources) for name in "abc"] == [
        root / "src/shop/a",
        root / "lib/shop/b",
        None,
    ]
