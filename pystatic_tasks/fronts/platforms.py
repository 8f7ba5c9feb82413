"""Builds one image for several platforms: each platform by itself, joined in one index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pystatic_tasks.config.model import KEEPS_NO_IMAGES, ImageConfig
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.index.step import join, read_archives
from pystatic_tasks.steps.manifest import only_one
from pystatic_tasks.steps.push.step import require_built, require_targets
from pystatic_tasks.steps.step import Step
from pystatic_tasks.steps.table import STEPS
from pystatic_tasks.system.machine import host_platform

RunOne = Callable[[str, ImageConfig, StepContext], None]


def run_for_platforms(step: Step, config: ImageConfig, context: StepContext, run_one: RunOne) -> None:
    """Run a step for an image that is for several platforms.

    Args:
        step: The step.
        config: The image.
        context: The context of the step, with the platforms.
        run_one: Runs a step for one platform.

    Raises:
        ConfigError: the step takes only one platform at a time.
        PystaticError: what the step raises.
    """
    if step.platforms == "one":
        raise one_at_a_time(step, context.platforms)
    variants = variants_of(config, context.platforms)
    archives = {each.dist / "image.tar": each for each in variants}
    if step.platforms == "each":
        for each in variants:
            context.say(f"{config.name} for {each.platform}")
            with only_one(each, context.say):
                run_one(step.name, *loaded_where_it_runs(step, each, context))
        if step.name == "image":
            join(config, context, read_archives([*archives], config.name), ())
    elif step.name == "push":
        references, images = require_targets(config, context), read_archives([*archives], config.name)
        for path, image in images.items():
            require_built(archives[path], image)
        join(config, context, images, references)
    else:
        run_one(step.name, config, context)


def one_at_a_time(step: Step, platforms: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"{step.name} takes one platform at a time, but {len(platforms)} are given.",
        f"Choose one: {' or '.join(f'--platform {each}' for each in platforms)}.",
    )


def variants_of(config: ImageConfig, platforms: Sequence[str]) -> list[ImageConfig]:
    """The image for each platform, this machine's last, so that engines end up with that one under the image's name."""
    in_order = sorted(platforms, key=lambda each: each == host_platform())
    return [replace(config, platform=each) for each in in_order]


def loaded_where_it_runs(step: Step, config: ImageConfig, context: StepContext) -> tuple[ImageConfig, StepContext]:
    """What to call a step with: engines load only this machine's image, and no next command is shown."""
    if step.name != "image":
        return config, context
    quiet = replace(context, command=lambda *_: "")
    if config.platform == host_platform():
        return config, quiet
    return replace(config, smoke=replace(config.smoke, engine=KEEPS_NO_IMAGES)), quiet


def result_paths(step: Step, config: ImageConfig, platforms: Sequence[str]) -> list[Path]:
    """The JSON files in which a step leaves its results."""
    if not platforms:
        return [step.result_path(config)]
    if step.name in ("image", "push"):
        return [STEPS["index"].result_path(config)]
    return [step.result_path(each) for each in variants_of(config, platforms)]
