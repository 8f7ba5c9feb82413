from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support import BUILT

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError, PystaticError
from pystatic_tasks.fronts.platforms import result_paths, run_for_platforms, variants_of
from pystatic_tasks.oci.reading.images import read_archive
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import write_manifest
from pystatic_tasks.steps.table import STEPS

PLATFORMS = ("linux/amd64", "linux/arm64")


@pytest.fixture(autouse=True)
def _amd64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


@pytest.fixture
def shop(tmp_path: Path) -> ImageConfig:
    return ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")


@pytest.fixture
def write_images(
    shop: ImageConfig, write_image: Callable[..., Path]
) -> Callable[[str, ImageConfig, StepContext], None]:
    """Does what the image step does for one platform: writes its archive."""

    def write(step: str, config: ImageConfig, context: StepContext) -> None:
        made = write_image(platform=config.platform)
        config.dist.mkdir(parents=True, exist_ok=True)
        shutil.move(made, config.dist / "image.tar")

    return write


def context(said: list[str]) -> StepContext:
    return StepContext(say=said.append, platforms=PLATFORMS)


def test_each_platform_has_folders_of_its_own(shop: ImageConfig) -> None:
    arm64 = replace(shop, platform="linux/arm64")
    assert arm64.dist == shop.dist / "linux" / "arm64"
    assert arm64.work == shop.work / "linux" / "arm64"


@pytest.mark.parametrize("step", ["freeze", "staticx", "smoke", "sbom"])
def test_a_step_is_done_for_each_and_for_this_machine_last(step: str, shop: ImageConfig) -> None:
    done, said = list[ImageConfig](), list[str]()
    run_for_platforms(STEPS[step], shop, context(said), lambda step, config, context: done.append(config))
    assert [each.platform for each in done] == ["linux/arm64", "linux/amd64"]
    assert said == ["shop for linux/arm64", "shop for linux/amd64"]


def test_images_are_joined(
    shop: ImageConfig, write_images: Callable[[str, ImageConfig, StepContext], None], tmp_path: Path
) -> None:
    said: list[str] = []
    pushed = replace(shop, image=replace(shop.image, tags=("registry.example/shop:1.4",)))
    run_for_platforms(STEPS["image"], pushed, context(said), write_images)
    assert said[-1].startswith("dist/pystatic/shop/index.tar: registry.example/shop:1.4 sha256:")
    assert said[-1].endswith(" for linux/amd64, linux/arm64")
    assert [read_archive(each.dist / "image.tar").platform for each in variants_of(shop, PLATFORMS)] == [
        "linux/arm64",
        "linux/amd64",
    ]
    assert result_paths(STEPS["image"], shop, PLATFORMS) == [shop.dist / "index.json"]
    assert (shop.dist / "index.json").exists()


def test_engines_keep_the_image_of_this_machine(shop: ImageConfig) -> None:
    seen: dict[str, tuple[str, str]] = {}

    def note(step: str, config: ImageConfig, context: StepContext) -> None:
        seen[config.platform] = (config.smoke.engine, context.command("smoke"))

    with pytest.raises(ConfigError, match="is not an image archive: there is no such file"):
        run_for_platforms(STEPS["image"], shop, context([]), note)
    assert seen == {"linux/arm64": ("sandbox", ""), "linux/amd64": ("auto", "")}
    run_for_platforms(STEPS["smoke"], shop, context([]), note)
    assert seen == dict.fromkeys(PLATFORMS, ("auto", "nox -s smoke"))


def test_they_are_pushed_together_and_somewhere(
    shop: ImageConfig, write_images: Callable[[str, ImageConfig, StepContext], None]
) -> None:
    run_for_platforms(STEPS["image"], shop, context([]), write_images)
    with pytest.raises(ConfigError, match=r"^No tag of shop names a registry: shop:latest\."):
        run_for_platforms(STEPS["push"], shop, context([]), write_images)


def test_an_archive_of_something_else_is_not_pushed(
    shop: ImageConfig, write_images: Callable[[str, ImageConfig, StepContext], None], write_image: Callable[..., Path]
) -> None:
    shop = replace(shop, image=replace(shop.image, tags=("registry.example/shop:1.4",)))
    run_for_platforms(STEPS["image"], shop, context([]), write_images)
    archives = {each.dist / "image.tar": each for each in variants_of(shop, PLATFORMS)}
    digests = {path: read_archive(path).manifest.digest for path in archives}
    changed = shop.dist / "linux/arm64/image.tar"
    shutil.move(write_image(platform="linux/arm64", changed="yes"), changed)
    for path, each in archives.items():
        write_manifest(each, replace(BUILT, digest=digests[path]), inputs="", outputs=[path])
    with pytest.raises(PystaticError) as caught:
        run_for_platforms(STEPS["push"], shop, context([]), lambda *_: None)
    assert str(caught.value) == f"{changed} does not contain {digests[changed]}.\nRun the image session again."


@pytest.mark.parametrize("step", ["slim", "run"])
def test_what_is_for_one_platform_is_refused(step: str, shop: ImageConfig) -> None:
    with pytest.raises(ConfigError) as caught:
        run_for_platforms(STEPS[step], shop, context([]), lambda *_: None)
    assert str(caught.value) == (
        f"{step} takes one platform at a time, but 2 are given.\n"
        "Choose one: --platform linux/amd64 or --platform linux/arm64."
    )


def test_what_each_step_made_is_found(shop: ImageConfig) -> None:
    assert result_paths(STEPS["smoke"], shop, ()) == [shop.dist / "smoke.json"]
    assert result_paths(STEPS["smoke"], shop, PLATFORMS) == [
        shop.dist / "linux/arm64/smoke.json",
        shop.dist / "linux/amd64/smoke.json",
    ]
    assert result_paths(STEPS["push"], shop, PLATFORMS) == [shop.dist / "index.json"]
