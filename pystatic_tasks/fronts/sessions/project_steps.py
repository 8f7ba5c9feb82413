"""Runs a step that is done once for all images, and the steps that it needs for each image."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import nox

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.options import parse_options
from pystatic_tasks.errors import ConfigError, PystaticError
from pystatic_tasks.fronts.sessions.context import make_context
from pystatic_tasks.fronts.sessions.ending import ended_in_order
from pystatic_tasks.fronts.sessions.environment import only_installs, where_it_was_called
from pystatic_tasks.fronts.sessions.image_steps import run_steps
from pystatic_tasks.fronts.sessions.neighbours import Identity, read_options, run_missing, waited_for
from pystatic_tasks.fronts.sessions.plan import Plan
from pystatic_tasks.fronts.sessions.work import Work, check_place
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.table import STEPS, steps_before


def nothing_first(configs: Sequence[ImageConfig]) -> None:
    """Do nothing: in a session of the user's own, the steps before it are up to the user."""


def run_for_project(
    session: nox.Session, work: Work, push: Callable[[Sequence[ImageConfig]], object] = nothing_first
) -> None:
    """Run the last step once for all images, and print what it returns; every error becomes Nox's own.

    Args:
        session: The running session.
        work: What the session does.
        push: Runs the steps before it for some images, when the step needs them.
    """
    step = work.steps[-1]
    run = STEPS[step].run_for_project
    assert run
    with ended_in_order(session), where_it_was_called():
        options = read_options(session)
        if options.json:
            raise ConfigError(f"{step} has no manifest for --json to print.", "Omit --json.")
        configs = work.configs(options)
        for config in configs:
            check_place(config, options)
        if only_installs(session):
            return
        content = run(configs, replace(make_context(session, configs[0], options, work.command), push=push))
        sys.stdout.buffer.write(content)
        sys.stdout.flush()


def run_before(session: nox.Session, plan: Plan, step: str, configs: Mapping[str, ImageConfig]) -> None:
    """Run what comes before a step of the project for some images, unless Nox runs with --no-dependencies.

    Args:
        session: The running session.
        plan: The call of `register()` that it belongs to.
        step: The step.
        configs: The images, by name if the project has several; otherwise by "".

    Raises:
        PystaticError: a step failed; or one cannot run for one of the images, and then none is started.
    """
    if session._runner.global_config.no_dependencies:
        return
    check_before(session, plan, step, configs.values())
    before = plan.step_before(step)
    for image, config in configs.items():
        failed = run_missing(session, Identity(plan=plan, step=before, image=image)) if before else ""
        if failed:
            raise PystaticError(f"{config.name} is needed, but {failed} failed.", "See its output above.")
        work = plan.work(step, image)
        if work.steps[:-1]:
            with waited_for(session._runner, [session._runner]):
                run_steps(session, replace(work, steps=work.steps[:-1]))


def check_before(session: nox.Session, plan: Plan, step: str, configs: Iterable[ImageConfig]) -> None:
    """Raises ConfigError if what comes before a step of the project cannot be done for one of the images."""
    names = parse_options(session.posargs).filenames

    def typed(_: str, *options: str) -> str:
        files = [word for name in names for word in ("-f", os.path.relpath(name) if Path(name).is_absolute() else name)]
        return plan.command()(step, *files, *options)

    context = StepContext(say=session.log, command=typed)
    for config in configs:
        for each in steps_before(step):
            STEPS[each].check(config, context)
