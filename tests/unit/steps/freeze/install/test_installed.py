from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.steps.freeze.install.installed import (
    declared_needs,
    has_pyproject,
    installed_files,
    is_installed,
    locals_in,
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "lib/python3.12/site-packages"


@pytest.mark.parametrize(
    ("requirement", "there"),
    [("gunicorn", True), ("Gunicorn[gevent]>=22", True), ("my.server", True), ("gunicorn-extra", False), ("uv", False)],
)
def test_what_is_installed_is_found_by_its_name(tmp_path: Path, requirement: str, there: bool) -> None:
    for name in ("gunicorn-27.0.1", "My_Server-1.0", "uvicorn-0.54.0"):
        (tmp_path / f"lib/python3.12/site-packages/{name}.dist-info").mkdir(parents=True)
    assert is_installed(tmp_path / "bin/python", requirement) is there


def test_what_the_installers_wrote_down_tells_the_contents(tmp_path: Path) -> None:
    python = tmp_path / "bin/python"
    empty = installed_files(python)
    record = tmp_path / "lib/python3.12/site-packages/falcon-4.0.dist-info/RECORD"
    record.parent.mkdir(parents=True)
    record.write_text("falcon/__init__.py,sha256=abc,10\n", encoding="utf-8")
    one = installed_files(python)
    record.write_text("falcon/__init__.py,sha256=abd,10\n", encoding="utf-8")
    other = installed_files(python)
    record.parent.rename(record.parent.with_name("falcon-4.1.dist-info"))
    assert len({empty, one, other, installed_files(python)}) == 4


@pytest.mark.parametrize(
    "file", ["rates-1.0.dist-info/RECORD", "rates-1.0.dist-info/METADATA", "rates-1.0.egg-info", "more.pth"]
)
@pytest.mark.parametrize("place", ["lib/python3.12/site-packages", "base"])
def test_what_nobody_installed_into_the_environment_itself_tells_too(tmp_path: Path, place: str, file: str) -> None:
    python, folders = tmp_path / "bin/python", [str(tmp_path / "nowhere"), str(tmp_path / "base")]
    (tmp_path / place).mkdir(parents=True)
    before = installed_files(python, folders)
    (tmp_path / place / file).parent.mkdir(exist_ok=True)
    (tmp_path / place / file).touch()
    assert installed_files(python, folders) != before


@pytest.mark.parametrize("name", ["a\u2029b.sh", "a\x0cb.sh", 'a "b", c.sh', "a, b.sh"])
def test_files_are_found_whatever_they_are_called(tmp_path: Path, site: Path, name: str) -> None:
    install_distribution(site, "shop", name, origin="file:///shop")
    quoted = '"' + name.replace('"', '""') + '"' if "," in name else name
    (site / "shop-1.0.dist-info/RECORD").write_text(f"{quoted},sha256=abc,0\n", encoding="utf-8")
    assert [path.name for local in locals_in(tmp_path / "bin/python") for path in local.files()] == [name]


def test_the_mode_of_a_file_tells_where_it_came_from_this_machine(tmp_path: Path, site: Path) -> None:
    install_distribution(site, "shop", "shop/run.sh", origin="file:///shop")
    install_distribution(site, "falcon", "falcon/run.sh")
    before = installed_files(tmp_path / "bin/python")
    (site / "falcon/run.sh").chmod(0o755)
    assert installed_files(tmp_path / "bin/python") == before
    (site / "shop/run.sh").chmod(0o755)
    assert installed_files(tmp_path / "bin/python") != before


@pytest.mark.parametrize(
    ("noted", "origin"),
    [
        ({"url": "file:///a%20b/shop", "dir_info": {}}, (Path("/a b/shop"), False)),
        ({"url": "file:///shop", "dir_info": {"editable": True}}, (Path("/shop"), True)),
        ({"url": "file:///shop.whl", "archive_info": {}}, (Path("/shop.whl"), False)),
        ({"url": "https://example.org/shop.whl"}, None),
        ({"url": "file:///shop", "vcs_info": {"vcs": "git", "commit_id": "1"}}, None),
        ({"url": 3}, None),
        ({}, None),
        ([], None),
    ],
)
def test_what_came_from_this_machine_is_known_by_its_address(
    tmp_path: Path, site: Path, noted: object, origin: tuple[Path, bool] | None
) -> None:
    install_distribution(site, "shop", origin="file:///")
    next(site.glob("*/direct_url.json")).write_text(json.dumps(noted), encoding="utf-8")
    found = [(each.origin, each.is_editable) for each in locals_in(tmp_path / "bin/python")]
    assert found == ([origin] if origin else [])


def test_what_is_from_this_machine_tells_its_name_and_what_it_needs(tmp_path: Path, site: Path) -> None:
    install_distribution(site, "shop", requires=["redis", "idna; extra == 'x'"], origin="file:///shop")
    install_distribution(site, "falcon", requires=["jinja2"])
    assert declared_needs(tmp_path / "bin/python") == [
        "Name: shop",
        "Requires-Dist: idna; extra == 'x'",
        "Requires-Dist: redis",
    ]


@pytest.mark.parametrize(("file", "is_one"), [("shop/pyproject.toml", True), ("shop/pyproject.toml.in", False)])
def test_a_pyproject_toml_that_was_installed_is_found(tmp_path: Path, site: Path, file: str, is_one: bool) -> None:
    install_distribution(site, "shop", file, origin="file:///shop")
    assert has_pyproject(tmp_path / "bin/python") is is_one
