from __future__ import annotations

from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.steps.manifest import manifest_path, report_path
from pystatic_tasks.steps.results import Result
from pystatic_tasks.steps.table import STEPS, TABLE, steps_before


def test_each_step_follows_from_those_before_it() -> None:
    assert steps_before("smoke") == ["image", "staticx", "freeze"]
    assert steps_before("freeze") == []


def test_a_step_follows_from_one_before_it_in_the_table() -> None:
    for number, step in enumerate(TABLE):
        assert step.before in ("", *(each.name for each in TABLE[:number]))


def test_steps_say_what_they_made_among_the_results_or_in_their_manifest(tmp_path: Path) -> None:
    shop = ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")
    assert {name: str(step.result_path(shop).relative_to(tmp_path)) for name, step in STEPS.items()} == {
        "freeze": "build/pystatic/shop/freeze.json",
        "slim": "build/pystatic/shop/slim.json",
        "staticx": "build/pystatic/shop/staticx.json",
        "image": "dist/pystatic/shop/image.json",
        "smoke": "dist/pystatic/shop/smoke.json",
        "run": "build/pystatic/shop/run.json",
        "shell": "build/pystatic/shop/shell.json",
        "sbom": "dist/pystatic/shop/sbom.cdx.json",
        "report": "dist/pystatic/shop/contents.json",
        "push": "dist/pystatic/shop/push.json",
        "index": "dist/pystatic/shop/index.json",
        "resolve": "build/pystatic/shop/resolve.json",
    }


def test_every_result_is_that_of_a_step_but_what_smoke_measures_beside_its_own() -> None:
    assert {kind.step for kind in Result.__subclasses__()} - STEPS.keys() == {"imports"}


@pytest.mark.parametrize("kind", [kind for kind in Result.__subclasses__() if kind.step in STEPS])
def test_a_step_leaves_a_result_that_knows_its_name_and_place(kind: type[Result], tmp_path: Path) -> None:
    shop = ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")
    step = STEPS[kind.step]
    returned = get_type_hints(step.run)["return"]
    assert kind in (returned, *get_args(returned))
    assert step.result_path(shop) in (report_path(shop, kind.step), manifest_path(shop, kind.step))
