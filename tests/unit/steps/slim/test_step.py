from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support import FROZEN

from pystatic_tasks.config.model import ImageConfig, Slim
from pystatic_tasks.errors import FreezeError
from pystatic_tasks.in_env.protocol import Use
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import write_manifest
from pystatic_tasks.steps.results import Frozen
from pystatic_tasks.steps.slim.step import slim
from pystatic_tasks.steps.slim_lock import read_lock

SEEN: Frozen = replace(
    FROZEN,
    interpreter=replace(FROZEN.interpreter, version="3.12.4"),
    optional=("csv", "depx", "depx.web", "depx/css/", "depx/img/", "email", "email.mime", "email.mime.text", "zipfile"),
    uses=(
        Use(occasion="start", modules=("csv", "depx", "os"), data=()),
        Use(occasion="GET /", modules=("zipfile",), data=("depx/css",)),
        Use(occasion="end", modules=(), data=()),
    ),
)


@pytest.fixture
def shop(tmp_path: Path) -> ImageConfig:
    return ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")


def run(config: ImageConfig, frozen: Frozen = SEEN) -> list[str]:
    """What is said."""
    write_manifest(config, frozen, inputs="", outputs=[])
    said: list[str] = []
    slim(config, StepContext(say=said.append))
    return said


def test_what_was_not_used_is_left_out_and_the_rest_kept_with_its_occasion(shop: ImageConfig) -> None:
    assert run(shop) == ["pystatic.lock: shop leaves out 3 of 9 names that it could do without"]
    found = read_lock(shop)
    assert found is not None
    assert found.python == "3.12"
    assert found.left_out == {"standard library": ("email",), "depx": ("depx.web", "depx/img/")}
    assert found.kept == {"start": ("csv", "depx"), "GET /": ("depx/css/", "zipfile")}


def test_what_a_request_used_stays_when_it_is_asked_again(shop: ImageConfig) -> None:
    """With other headers, or another body, it may use something else."""
    again = Use(occasion="GET /", modules=("email.mime.text",), data=())
    run(shop, replace(SEEN, uses=(*SEEN.uses[:2], again, *SEEN.uses[2:])))
    slim = read_lock(shop)
    assert slim
    assert slim.kept["GET /"] == ("depx/css/", "email", "email.mime", "email.mime.text", "zipfile")


def test_what_the_configuration_keeps_is_kept_with_what_it_lies_in(shop: ImageConfig) -> None:
    run(replace(shop, slim=Slim(keep=("email.mime", "depx/img/"))))
    found = read_lock(shop)
    assert found is not None
    assert found.left_out == {"depx": ("depx.web",)}
    assert found.kept["slim.keep"] == ("depx/img/", "email", "email.mime", "email.mime.text")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"uses": ()}, "it was frozen with --no-observe"),
        ({"not_observed": "GET / had no answer"}, "GET / had no answer"),
    ],
)
def test_of_what_was_not_observed_nothing_is_left_out(shop: ImageConfig, changes: dict[str, object], why: str) -> None:
    with pytest.raises(FreezeError) as caught:
        run(shop, replace(SEEN, **changes))  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"Cannot tell what shop uses, since it was not fully observed: {why}.\n"
        "Have it observed as the documentation describes, then run slim again."
    )
    assert read_lock(shop) is None
