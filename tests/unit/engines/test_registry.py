from __future__ import annotations

import pytest

from pystatic_tasks.config.model import ENGINE_NAMES, KEEPS_NO_IMAGES, EngineName
from pystatic_tasks.engines import all_engines
from pystatic_tasks.engines.registry import engine_called


@pytest.mark.parametrize("name", ENGINE_NAMES)
def test_every_name_has_its_engine(name: EngineName) -> None:
    assert engine_called(name).name == name


def test_engines_stand_in_the_order_in_which_they_are_tried() -> None:
    assert [engine.name for engine in all_engines()] == ["docker", "podman", "nerdctl", "sandbox", "proot"]


def test_images_are_kept_where_a_daemon_or_a_store_is() -> None:
    assert [engine.name for engine in all_engines() if not engine.keeps_images] == ["sandbox", "proot"]
    assert KEEPS_NO_IMAGES == "sandbox"
