from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import BUILT

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.oci.description import LayerDescription
from pystatic_tasks.report import Sizes, as_markdown, as_table


def layer(kind: str, size_bytes: int, compressed_bytes: int) -> LayerDescription:
    return LayerDescription(kind=kind, digest="", diff_id="", size_bytes=size_bytes, compressed_bytes=compressed_bytes)


ONE_FILE = Sizes(
    frozen_bytes=21_050_000,
    executable_bytes=6_550_000,
    built=replace(
        BUILT,
        digest="sha256:abc",
        size_bytes=6_551_000,
        compressed_bytes=6_500_000,
        layers=(layer("program", 6_551_000, 6_500_000),),
    ),
)
TREE = Sizes(
    frozen_bytes=23_000_000,
    executable_bytes=None,
    built=replace(
        BUILT,
        digest="sha256:abc",
        size_bytes=23_100_000,
        compressed_bytes=8_300_000,
        layers=(
            layer("libc", 2_000_000, 900_000),
            layer("project", 21_100_000, 7_400_000),
        ),
    ),
)


def image(**options: Any) -> ImageConfig:
    return ImageConfig(root=Path("/p"), project=Path("/p"), name="shop", app="shop:app", **options)


def test_the_way_of_one_file_goes_over_its_executable() -> None:
    assert as_table(image(), ONE_FILE) == [
        "                       on disk  on the wire",
        "  frozen contents     21.05 MB",
        "  static executable    6.55 MB",
        "  image                6.55 MB      6.50 MB",
    ]


def test_the_way_of_a_tree_is_told_layer_by_layer() -> None:
    assert as_table(image(layout="tree"), TREE) == [
        "                       on disk  on the wire",
        "  frozen contents     23.00 MB",
        "  layer libc           2.00 MB      0.90 MB",
        "  layer project       21.10 MB      7.40 MB",
        "  image               23.10 MB      8.30 MB",
    ]


@pytest.mark.parametrize(
    ("budgets", "line"),
    [
        ({"max_size": 9_000_000}, "  budget               9.00 MB"),
        ({"max_compressed_size": 8_000_000}, "  budget                            8.00 MB"),
        ({"max_size": 9_000_000, "max_compressed_size": 8_000_000}, "  budget               9.00 MB      8.00 MB"),
    ],
    ids=["on disk", "on the wire", "both"],
)
def test_the_budget_stands_below_what_it_holds_for(budgets: dict[str, int], line: str) -> None:
    assert as_table(image(**budgets), ONE_FILE)[-1] == line


def test_the_table_in_markdown_says_the_same() -> None:
    assert as_markdown(image(max_size=9_000_000), ONE_FILE) == (
        "### shop:latest\n\n`sha256:abc`\n\n| | on disk | on the wire |\n|---|--:|--:|\n"
        "| frozen contents | 21.05 MB |  |\n| static executable | 6.55 MB |  |\n"
        "| image | 6.55 MB | 6.50 MB |\n| budget | 9.00 MB |  |\n"
    )
