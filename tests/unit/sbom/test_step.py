from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config import Image
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.host import Host
from pystatic_tasks.pipeline import write_manifest
from pystatic_tasks.sbom import sbom
from pystatic_tasks.sbom.components import Component, to_facts

SAID = (
    "dist/pystatic/shop/sbom.cdx.json: 1 project, 2 Python distributions, 1 interpreter, 1 package of the system, "
    "1 library of no package"
)


@pytest.fixture
def shop(tmp_path: Path, built: dict[str, Any], components: list[Component]) -> Image:
    """An image that was built."""
    image = Image(root=tmp_path, project=tmp_path, name="shop", app="shop:app")
    write_manifest(image, "image", inputs="", outputs=[], facts={**built, "components": to_facts(components)})
    return image


def test_it_says_what_is_inside(shop: Image) -> None:
    said: list[str] = []
    sbom(shop, Host(say=said.append, formats=("cyclonedx",)))
    assert said == [SAID]
    assert not shop.dist.exists()


def test_spdx_is_written_where_it_is_asked_for(shop: Image) -> None:
    pytest.importorskip("spdx_tools", reason="pystatic-tasks[spdx] is not installed")
    said: list[str] = []
    sbom(shop, Host(say=said.append, formats=("spdx",)))
    assert said == [SAID, "dist/pystatic/shop/sbom.spdx.json: the same in SPDX"]
    assert '"spdxVersion": "SPDX-2.3"' in (shop.dist / "sbom.spdx.json").read_text(encoding="utf-8")


def test_an_image_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(PystaticError, match=r"^What image leaves for shop is not in "):
        sbom(Image(root=tmp_path, project=tmp_path, name="shop", app="shop:app"), Host(say=print))
