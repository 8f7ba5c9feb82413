from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.results import Slimmed
from pystatic_tasks.steps.slim_lock import lock_path, read_lock, write_lock

SLIM = Slimmed(
    python="3.12",
    left_out={"standard library": ("email.mime", "json"), "shop": ('shop/größe "1"/',)},
    kept={"start": ("csv",), "GET /?min=1": ("zipfile",)},
)


@pytest.fixture
def shop(tmp_path: Path) -> ImageConfig:
    return ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")


def test_what_is_written_is_read_and_can_be_reviewed(shop: ImageConfig) -> None:
    assert read_lock(shop) is None
    write_lock(shop, SLIM)
    assert read_lock(shop) == SLIM
    assert lock_path(shop).read_text(encoding="utf-8") == (
        """\
# What the images of this project leave out, and why they keep the rest. Written by "nox -s slim", read by every build.
# A name is a module, or a data folder if it ends in "/"; it stands for everything in it.
# Names that are in no list are newer, and are kept until slim runs again. To keep something for good, use slim.keep.

["shop"]
python = "3.12"

["shop".left-out]
"standard library" = [
    "email.mime",
    "json",
]
"shop" = [
    "shop/größe \\"1\\"/",
]

["shop".kept]
"start" = [
    "csv",
]
"GET /?min=1" = [
    "zipfile",
]
"""
    )


def test_each_image_has_a_table_which_leaves_the_others_alone(shop: ImageConfig) -> None:
    worker = replace(shop, name="worker")
    write_lock(worker, SLIM)
    write_lock(shop, replace(SLIM, python="3.13"))
    write_lock(worker, replace(SLIM, kept={}))
    assert read_lock(shop) == replace(SLIM, python="3.13")
    assert read_lock(worker) == replace(SLIM, kept={})
    assert read_lock(replace(shop, name="other")) is None


@pytest.mark.parametrize(
    "text",
    [
        "shop = 3",
        "[shop]",
        "[shop]\npython = 3\n[shop.left-out]\n[shop.kept]",
        "[shop]\npython = '3'\nleft-out = []\nkept = {}",
        "[shop]\npython = '3'\nleft-out = { a = [3] }\nkept = {}",
    ],
)
def test_a_file_that_somebody_changed_is_refused(shop: ImageConfig, text: str) -> None:
    lock_path(shop).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_lock(shop)
    assert str(caught.value) == (
        f"The table of shop in {shop.root}/pystatic.lock is not in the form that slim writes.\n"
        "Run nox -s slim to write it again, or remove the table."
    )


def test_a_file_that_is_no_toml_is_refused_and_left_alone(shop: ImageConfig) -> None:
    lock_path(shop).write_text("<<<<<<<", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"pystatic.lock is not valid TOML: .*\nCorrect the file."):
        write_lock(shop, SLIM)
    assert lock_path(shop).read_text(encoding="utf-8") == "<<<<<<<"
