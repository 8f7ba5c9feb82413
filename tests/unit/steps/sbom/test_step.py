from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.in_env.protocol import Component
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import write_manifest
from pystatic_tasks.steps.results import Built
from pystatic_tasks.steps.sbom.step import sbom

SAID = (
    "dist/pystatic/shop/sbom.cdx.json: 1 project, 2 Python distributions, 1 library built into these, 1 interpreter, "
    "1 system package, 1 library of no package"
)
UNKNOWN = [
    "version unknown: libx.so",
    "supplier unknown: libx.so, gunicorn",
    "licence unknown: libx.so, shop",
    "copyright unknown: libx.so, libm, Big_Dep, gunicorn",
    "Set the licence of shop as license in [project], or as org.opencontainers.image.licenses in image.labels.",
]


@pytest.fixture
def shop(tmp_path: Path, built: Built, components: list[Component]) -> ImageConfig:
    """An image that was built."""
    image = ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")
    write_manifest(image, replace(built, components=tuple(components)), inputs="", outputs=[])
    return image


def test_it_says_what_is_inside(shop: ImageConfig) -> None:
    said: list[str] = []
    sbom(shop, StepContext(say=said.append, formats=("cyclonedx",)))
    assert said == [SAID, *UNKNOWN]
    assert not shop.dist.exists()


def test_spdx_is_written_where_it_is_asked_for(shop: ImageConfig) -> None:
    pytest.importorskip("spdx_tools", reason="pystatic-tasks[spdx] is not installed")
    said: list[str] = []
    sbom(shop, StepContext(say=said.append, formats=("spdx",)))
    assert said == [SAID, *UNKNOWN, "dist/pystatic/shop/sbom.spdx.json: the same in SPDX 2.3"]
    assert '"spdxVersion": "SPDX-2.3"' in (shop.dist / "sbom.spdx.json").read_text(encoding="utf-8")


def test_spdx_3_needs_no_library(shop: ImageConfig) -> None:
    said: list[str] = []
    sbom(shop, StepContext(say=said.append, formats=("spdx3",)))
    assert said == [SAID, *UNKNOWN, "dist/pystatic/shop/sbom.spdx3.json: the same in SPDX 3.0.1"]
    assert '"specVersion": "3.0.1"' in (shop.dist / "sbom.spdx3.json").read_text(encoding="utf-8")


def test_an_image_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(PystaticError, match=r"^The results of image for shop are not in "):
        sbom(ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app"), StepContext(say=print))
