"""Describes a step for its callers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import manifest_path


def _not_for_one_image(config: ImageConfig, context: StepContext) -> None:
    raise AssertionError("this step is for the whole project")


def _nothing_to_check(config: ImageConfig, context: StepContext) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step.

    Attributes:
        name: Its name, as the user types it.
        description: What it does; "{name}" stands for the image's name.
        run: Runs it for one image.
        run_for_project: Instead of `run`, runs it once for all images, and returns the content for standard output.
        check: Raises PystaticError if the step cannot succeed, as far as that is known before anything is built.
        before: Name of the step whose results it reads; "" for the first step, and for steps that read none.
        needs_environment: Whether it needs a build environment.
        in_container: Whether it runs in the container, if the program is frozen in one.
        on_request: Whether it runs only if it is named, because it changes more than `build` and `dist`, or needs
            something that not everyone has.
        in_foreground: Whether it runs until the user ends it; then it takes one image at a time.
        platforms: For several platforms: whether it runs for each, for all at once, or for only one.
        is_folded: Whether its output is long, but matters only if it fails.
        words_after: What happens to words after the last "--"; "" if it takes none.
        result_file: The JSON file among the results with its report; "" if only its manifest has one.
    """

    name: str
    description: str
    run: Callable[[ImageConfig, StepContext], object] = _not_for_one_image
    run_for_project: Callable[[Sequence[ImageConfig], StepContext], bytes] | None = None
    check: Callable[[ImageConfig, StepContext], object] = _nothing_to_check
    before: str = ""
    needs_environment: bool = False
    in_container: bool = False
    on_request: bool = False
    in_foreground: bool = False
    platforms: Literal["each", "all", "one"] = "each"
    is_folded: bool = False
    words_after: str = ""
    result_file: str = ""

    @property
    def is_for_project(self) -> bool:
        """Whether it runs once for the project, and not for each image."""
        return self.run_for_project is not None

    def result_path(self, config: ImageConfig) -> Path:
        """The JSON file with its report."""
        return config.dist / self.result_file if self.result_file else manifest_path(config, self.name)
