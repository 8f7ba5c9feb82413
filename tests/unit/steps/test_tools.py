from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.steps.tools import names_of, tool_requirements


@pytest.fixture
def shop(tmp_path: Path) -> ImageConfig:
    return ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")


def test_the_names_of_requirements_stand_without_what_follows() -> None:
    assert names_of(["a==1.0", "B.c>=2,<3", "d[e]==1; python_version > '3'", "f"]) == ["a", "B.c", "d", "f"]


def test_tools_are_pinned(shop: ImageConfig) -> None:
    assert [each for each in tool_requirements(shop) if "==" not in each] == []


def test_one_environment_serves_every_layout_and_packer(shop: ImageConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    there = tool_requirements(shop)
    assert {"zstandard", "staticx"} < set(names_of(there))
    assert (
        tool_requirements(replace(shop, packer="staticx")) == tool_requirements(replace(shop, layout="tree")) == there
    )


def test_what_would_be_built_from_source_is_installed_where_it_is_asked_for(
    shop: ImageConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    there = tool_requirements(shop)
    assert "zstandard" in names_of(there)
    assert "staticx" not in names_of(there)
    assert tool_requirements(replace(shop, layout="tree", packer="staticx")) == there
    assert "staticx" in names_of(tool_requirements(replace(shop, packer="staticx")))
