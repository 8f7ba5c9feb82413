"""Runs one step inside a session of the user's own."""

from __future__ import annotations

import os
from typing import Any

import nox

from pystatic_tasks.fronts.caller import from_caller
from pystatic_tasks.fronts.sessions.ending import fail
from pystatic_tasks.fronts.sessions.image_steps import run_steps
from pystatic_tasks.fronts.sessions.project_steps import run_for_project
from pystatic_tasks.fronts.sessions.work import Work
from pystatic_tasks.steps.table import STEPS, unknown_step


def run_step(
    session: nox.Session, step: str, *, root: str | os.PathLike[str] | None = None, image: str = "", **overrides: Any
) -> None:
    """Run one step inside a session of your own.

    It needs the results of the steps before it: name their sessions in your session's `requires=`.
    The step "freeze" installs into the session's own environment.

    Args:
        session: The running session.
        step: One of `steps.table.STEPS`, such as "freeze" or "push".
        root: Folder of the pyproject.toml; by default that of the calling file.
        image: Name of the image, if the project has several.
        overrides: As for `register()`.
    """
    work = Work(root=from_caller(root), overrides=overrides, steps=(step,), image=image)
    if step not in STEPS:
        fail(session, unknown_step(step, "the noxfile"))
    if STEPS[step].is_for_project:
        run_for_project(session, work)
    else:
        run_steps(session, work)
