"""What there is to know of a step, for whoever calls it."""

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
        name: As the user types it.
        description: What it does; "{name}" stands for the image's name.
        run: Does it for one image.
        run_for_project: Instead of `run`, does it once for all images, and returns what standard output is to have.
        check: Raises PystaticError if what it is asked for cannot be done, which is known before anything is built.
        before: Name of the step whose results it reads; "" for the first, and for one that reads none.
        needs_environment: Whether it needs a build environment.
        in_container: Whether it is done in the container, where the program is frozen in one.
        on_request: Whether it changes more than `build` and `dist`, or needs what not everybody has: then it runs only
            where it is asked for by name.
        in_foreground: Whether it goes on until the user ends it; then it is for one image at a time.
        platforms: Where an image is for several, whether it is done for each, for all at once, or for one only.
        is_folded: Whether it says much of what only matters when it fails.
        words_after: What becomes of words after the last "--"; "" if it takes none.
        result_file: The JSON file among the results in which it says what it made; "" if only its manifest does.
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
        """Whether it is done once, and not for each image."""
        return self.run_for_project is not None

    def result_path(self, config: ImageConfig) -> Path:
        """The JSON file in which it says what it made."""
        return config.dist / self.result_file if self.result_file else manifest_path(config, self.name)
