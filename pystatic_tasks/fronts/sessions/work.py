"""What one session does, and with which configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pystatic_tasks.config import ImageConfig, load_config
from pystatic_tasks.config.load import pick_image
from pystatic_tasks.config.model import HERE
from pystatic_tasks.config.options import Options
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.context import session_command
from pystatic_tasks.steps.table import STEPS
from pystatic_tasks.system.machine import check_known, check_platform


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one session does.

    Attributes:
        root: Folder of the pyproject.toml.
        overrides: Configuration that takes precedence over pyproject.toml.
        steps: The steps, in order.
        image: Name of the image, if the project has several.
        command: What the user types to run a step.
    """

    root: Path
    overrides: Mapping[str, Any]
    steps: tuple[str, ...]
    image: str = ""
    command: Callable[..., str] = session_command

    @property
    def freezes(self) -> bool:
        """Whether it needs a build environment, here or in a container."""
        return any(STEPS[step].needs_environment for step in self.steps)

    def freezes_here(self, config: ImageConfig) -> bool:
        """Whether it needs a build environment here; a container creates its own."""
        return self.freezes and config.build.place == HERE

    def configs(self, options: Options) -> tuple[ImageConfig, ...]:
        """All images, as configured now."""
        return load_config(self.root, overrides=self.overrides, environment=os.environ, options=options.config)

    def config(self, options: Options) -> ImageConfig:
        """The image of that name, or the only one, as configured now."""
        return pick_image(self.configs(options), self.image)


def check_place(config: ImageConfig, options: Options) -> None:
    """Raises ConfigError if the options ask for something that cannot be done where the program is frozen."""
    if config.build.place == HERE:
        check_platform(",".join(options.platforms))
        return
    for platform in options.platforms:
        check_known(platform)
    if options.check_reproducible:
        raise ConfigError(
            f"--check-reproducible builds on this machine, but {config.name} is frozen in a "
            f"{config.build.place} container.",
            "Omit --check-reproducible, or add --in here to freeze on this machine.",
        )
