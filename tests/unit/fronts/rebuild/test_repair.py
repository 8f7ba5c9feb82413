from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.config import load_config
from pystatic_tasks.errors import ConfigError, Repair
from pystatic_tasks.fronts.rebuild.repair import check_repaired, write_repairs

REPAIRS = [
    Repair(table="freeze", key="collect", value=("plugs",)),
    Repair(table="image", key="timezones", value=True),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.pystatic-tasks]\napp = "a:b"\n', encoding="utf-8")
    return tmp_path


def test_all_repairs_are_written_and_said(root: Path) -> None:
    said: list[str] = []
    lines = ['tool.pystatic-tasks.freeze.collect = ["plugs"]', "tool.pystatic-tasks.image.timezones = true"]
    assert write_repairs(load_config(root)[0], REPAIRS, said.append) == lines
    assert said == [f"wrote into pyproject.toml: {line}" for line in lines]
    (config,) = load_config(root)
    for repair in REPAIRS:
        check_repaired(config, repair)


def test_a_switch_that_is_overridden_is_told(root: Path) -> None:
    (config,) = load_config(root, overrides={"image": {"timezones": False}})
    with pytest.raises(ConfigError) as caught:
        check_repaired(config, REPAIRS[1])
    assert str(caught.value) == (
        f"image.timezones is now in {root}/pyproject.toml, but the noxfile's call or the variable "
        "PYSTATIC_TASKS_IMAGE_TIMEZONES overrides it.\nRemove the override, or add the value there too."
    )
