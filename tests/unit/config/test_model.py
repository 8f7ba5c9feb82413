from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config import ImageConfig, Request
from pystatic_tasks.config.convert import NOT_KEYS
from pystatic_tasks.config.model import Freeze, ImageOptions, Service, Smoke, Staticx, shown
from pystatic_tasks.config.rules import RULES

ROOT = Path("/srv/shop")
TABLES: tuple[type[Any], ...] = (ImageConfig, Freeze, Staticx, ImageOptions, Smoke, Request, Service)


def all_keys() -> Iterator[tuple[str, Field[Any]]]:
    for table in TABLES:
        for each in fields(table):
            if each.name not in NOT_KEYS:
                yield f"{table.__name__}.{each.name}", each


def test_the_defaults_are_those_of_the_reference() -> None:
    image = ImageConfig(root=ROOT, project=ROOT)
    assert (image.name, image.app, image.script, image.command) == ("", None, None, None)
    assert (image.layout, image.max_size, image.max_compressed_size, image.python) == ("onefile", None, None, None)
    assert (image.install, image.groups, image.requirements, image.server) == ((".",), (), (), {})
    assert image.services == ()
    assert image.freeze == Freeze(hidden_imports=(), excludes=(), data=(), collect=(), optimize=2, strip=True)
    assert image.staticx == Staticx(libraries=(), strip=True)
    assert image.image == ImageOptions(
        compression="gzip",
        tags=("latest",),
        user="65535:65535",
        env={},
        labels={},
        ports=None,
        certificates=False,
        timezones=False,
        files={},
        healthcheck=None,
    )
    assert image.smoke == Smoke(
        engine="auto",
        requests=(Request(path="/", method="GET", headers={}, body=None, status=200, text=None, json=None),),
        command=(),
        stdout=None,
        timeout=30.0,
        memory=512_000_000,
        writable_tmp=False,
    )


@pytest.mark.parametrize("table", TABLES)
def test_a_configuration_cannot_be_changed(table: type[Any]) -> None:
    values = table(root=ROOT, project=ROOT) if table is ImageConfig else table()
    with pytest.raises(FrozenInstanceError):
        setattr(values, fields(table)[0].name, None)


def test_two_images_do_not_share_their_tables() -> None:
    one, other = ImageConfig(root=ROOT, project=ROOT), ImageConfig(root=ROOT, project=ROOT)
    assert one.server is not other.server


@pytest.mark.parametrize("each", [pytest.param(each, id=name) for name, each in all_keys()])
def test_every_key_has_a_reference_text_and_a_known_rule(each: Field[Any]) -> None:
    assert each.metadata["doc"].endswith(".")
    assert each.metadata["check"] in RULES


def test_work_files_and_results_lie_in_folders_of_the_image() -> None:
    image = ImageConfig(root=ROOT, project=ROOT / "backend", name="web")
    assert image.work == ROOT / "build/pystatic/web"
    assert image.dist == ROOT / "dist/pystatic/web"


def test_a_plain_tag_becomes_a_reference_with_the_images_name() -> None:
    tags = ("latest", "1.4", "other:1", "registry.example/shop:1.4")
    image = ImageConfig(root=ROOT, project=ROOT, name="shop", image=ImageOptions(tags=tags))
    assert image.references == ("shop:latest", "shop:1.4", "other:1", "registry.example/shop:1.4")


TREE: dict[str, Any] = {"layout": "tree"}


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        ({}, {"TMPDIR": "/dev/shm"}),
        ({"packer": "staticx"}, {}),
        (TREE, {"TMPDIR": "/dev/shm"}),
        ({**TREE, "smoke": Smoke(writable_tmp=True)}, {}),
        ({**TREE, "image": ImageOptions(env={"TMPDIR": "/data"})}, {"TMPDIR": "/data"}),
        ({**TREE, "image": ImageOptions(env={"TMP": "/data"})}, {"TMP": "/data"}),
        ({**TREE, "image": ImageOptions(env={"TEMP": "/data"})}, {"TEMP": "/data"}),
        (
            {**TREE, "image": ImageOptions(env={"TMPFILES": "no"}, certificates=True)},
            {"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt", "TMPDIR": "/dev/shm", "TMPFILES": "no"},
        ),
    ],
)
def test_where_tmp_is_not_writable_temporary_files_go_elsewhere(
    options: dict[str, Any], environment: dict[str, str]
) -> None:
    assert ImageConfig(root=ROOT, project=ROOT, **options).environment == {"USER": "nonroot", **environment}


def test_the_user_has_a_name_whatever_its_number_is() -> None:
    assert ImageConfig(root=ROOT, project=ROOT).environment["USER"] == "nonroot"
    own = ImageOptions(env={"USER": "ada"})
    assert ImageConfig(root=ROOT, project=ROOT, image=own).environment["USER"] == "ada"


@pytest.fixture
def image(tmp_path: Path) -> ImageConfig:
    return ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")


def test_paths_are_shown_from_the_projects_folder(image: ImageConfig) -> None:
    assert shown(image, image.dist / "image.tar") == "dist/pystatic/shop/image.tar"
    assert shown(image, Path("/etc/passwd")) == "/etc/passwd"


@pytest.mark.parametrize(
    ("options", "used", "has_tmp"),
    [
        ({}, "launcher", False),
        ({"packer": "staticx"}, "staticx", True),
        (TREE, None, False),
        ({**TREE, "packer": "staticx"}, None, False),
        ({"smoke": Smoke(writable_tmp=True)}, "launcher", True),
    ],
)
def test_a_packer_is_used_for_one_file_only(options: dict[str, Any], used: str | None, has_tmp: bool) -> None:
    image = ImageConfig(root=ROOT, project=ROOT, **options)
    assert (image.used_packer, image.has_tmp) == (used, has_tmp)
