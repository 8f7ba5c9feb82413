"""What one call of `register()` asks for: which sessions exist, and what each does."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from pystatic_tasks.fronts.nox_process import shown_as
from pystatic_tasks.fronts.sessions.work import Work
from pystatic_tasks.steps.context import session_command
from pystatic_tasks.steps.table import STEPS, steps_before


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one call of `register()` asks for."""

    root: Path
    prefix: str
    names: Mapping[str, str]
    skip: tuple[str, ...]
    default: bool
    tags: tuple[str, ...]
    overrides: Mapping[str, Any]

    def session_name(self, step: str, image: str = "") -> str:
        """The name of a step's session, for one of several images or for all."""
        name = self.names.get(step, f"{self.prefix}{step}")
        return f"{name}-{image}" if image else name

    def command(self, image: str = "") -> Callable[..., str]:
        """What the user types to run a step, for one of several images or for the only one."""
        own = shown_as(os.environ)
        named = ("--image", image) if image else ()
        if own:
            return lambda step, *options: " ".join([own.format(step=step), *named, *options])
        return lambda step, *options: session_command(self.session_name(step, image), *options)

    def work(self, step: str, image: str = "") -> Work:
        """The work of a step's session: the step, and directly before it the steps without a session."""
        before = takewhile(lambda each: each in self.skip, steps_before(step))
        return Work(
            root=self.root,
            overrides=self.overrides,
            steps=(*reversed(list(before)), step),
            image=image,
            command=self.command(image),
        )

    @property
    def steps(self) -> list[str]:
        """The steps that have a session, in order."""
        return [step for step in STEPS if step not in self.skip]

    def step_before(self, step: str) -> str | None:
        """The last step before it that has a session."""
        return next((each for each in steps_before(step) if each not in self.skip), None)
