from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.config.model import ImageOptions, Smoke
from pystatic_tasks.report import next_commands
from pystatic_tasks.steps.context import session_command

HARDENED = "--read-only --cap-drop ALL --security-opt no-new-privileges"
TMP = "--tmpfs /tmp:exec,mode=1777"


def image(**options: Any) -> ImageConfig:
    app = None if "command" in options else "shop:app"
    return ImageConfig(root=Path("/p"), project=Path("/p"), name="shop", app=app, **options)


def commands(shop: ImageConfig, engine: str = "", waiting: str = "", ports: tuple[int, ...] = (8000,)) -> list[str]:
    """As shown where the step `waiting` will run anyway."""

    def command(step: str, *options: str) -> str:
        return "" if step == waiting else session_command(step, *options)

    return next_commands(shop, command, engine, ports)


def test_it_is_proved_run_and_pushed() -> None:
    assert commands(image(), "docker") == [
        "nox -s smoke",
        f"docker run --rm -p 8000:8000 {HARDENED} shop:latest",
        "skopeo copy oci-archive:dist/pystatic/shop/image.tar docker://registry.example/shop:latest",
    ]


def test_what_will_be_proved_anyway_is_not_named() -> None:
    assert commands(image(), "podman", waiting="smoke")[0].startswith("podman run --rm ")


def test_a_tree_needs_no_writable_folder() -> None:
    assert commands(image(layout="tree"), "docker")[1] == f"docker run --rm -p 8000:8000 {HARDENED} shop:latest"


@pytest.mark.parametrize("options", [{"packer": "staticx"}, {"smoke": Smoke(writable_tmp=True)}])
def test_what_needs_a_tmp_is_given_one(options: dict[str, Any]) -> None:
    assert commands(image(**options), "docker")[1] == f"docker run --rm -p 8000:8000 {HARDENED} {TMP} shop:latest"


def test_without_an_engine_that_runs_it_ours_does() -> None:
    assert commands(image())[1] == "nox -s run"


def test_a_command_publishes_no_port_and_gets_the_arguments_that_smoke_gives() -> None:
    shop = image(command="shop", smoke=Smoke(command=("two words",)))
    assert commands(shop, "docker", ports=())[1] == f"docker run --rm {HARDENED} shop:latest 'two words'"


@pytest.mark.parametrize("tag", ["registry.example/team/shop:1.4", "localhost/shop:1", "localhost:5000/shop:1"])
def test_it_is_pushed_to_the_registry_that_a_tag_names(tag: str) -> None:
    shop = image(image=ImageOptions(tags=("1.4", tag)))
    assert commands(shop)[2:] == [f"nox -s push -- --tag {tag}"]
    assert len(commands(shop, waiting="push")) == 2


@pytest.mark.parametrize(
    ("tag", "target"), [("team/shop:1", "registry.example/team/shop:1"), ("1.4", "registry.example/shop:1.4")]
)
def test_without_one_it_is_shown_how_another_tool_would_push_it(tag: str, target: str) -> None:
    shop = image(image=ImageOptions(tags=(tag,)))
    assert commands(shop)[2].endswith(f" docker://{target}")
