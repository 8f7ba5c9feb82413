"""Registers the sessions with Nox: one for each step of each image, and one for all images."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import nox
from nox import registry
from nox.logger import logger

from pystatic_tasks.config import ImageConfig, load_config
from pystatic_tasks.errors import ConfigError, PystaticError
from pystatic_tasks.fronts.caller import from_caller
from pystatic_tasks.fronts.sessions.ending import fail
from pystatic_tasks.fronts.sessions.environment import look_for_uv, options_for
from pystatic_tasks.fronts.sessions.image_steps import run_steps
from pystatic_tasks.fronts.sessions.neighbours import IDENTITY, Identity, identity_of
from pystatic_tasks.fronts.sessions.plan import Plan
from pystatic_tasks.fronts.sessions.project_steps import run_before, run_for_project
from pystatic_tasks.steps.table import STEPS, check_steps
from pystatic_tasks.system.files import unwritable_folder


def register(
    *,
    root: str | os.PathLike[str] | None = None,
    prefix: str = "",
    names: Mapping[str, str] | None = None,
    skip: Sequence[str] = (),
    default: bool = False,
    tags: Sequence[str] = ("pystatic",),
    python: str | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    """Add the sessions of all steps, from `freeze` to `push`, `index` and `resolve`, to the calling noxfile.

    An invalid configuration prints a one-line warning and makes these sessions fail, but no others.
    If a session of the same name already exists, Nox ends with a message and exit code 2.

    Args:
        root: Folder of the pyproject.toml; by default that of the calling noxfile.
        prefix: Prefix of the sessions' names, such as "web-".
        names: Other names for single sessions, by step.
        skip: Steps without a session of their own; the next session runs them.
        default: Whether a bare `nox` runs the sessions, except for `slim`, `run`, `shell`, `report`, `push`, `index`
            and `resolve`.
        tags: Tags of the sessions, with the same exceptions, which run only if they are named.
        python: Interpreter to build with, as Nox names it.
        overrides: Configuration that takes precedence over pyproject.toml, such as
            `max_size="9MB"` or `freeze={"excludes": ["tkinter"]}`.

    Returns:
        Nox's session functions by step.
    """
    plan = Plan(
        root=from_caller(root),
        prefix=prefix,
        names=dict(names or {}),
        skip=(skip,) if isinstance(skip, str) else tuple(skip),
        default=default,
        tags=(tags,) if isinstance(tags, str) else tuple(tags),
        overrides={**overrides, **({"python": python} if python else {})},
    )
    try:
        check_steps((*plan.names, *plan.skip), "the noxfile")
        return register_plan(plan)
    except ConfigError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def register_plan(plan: Plan) -> dict[str, Any]:
    look_for_uv()
    try:
        configs = load_config(plan.root, overrides=plan.overrides, environment=os.environ)
    except ConfigError as error:
        logger.warning(f"pystatic-tasks: {error.problem.rstrip(':.')}; its sessions will fail with details")
        return add_failing(plan, error)
    unwritable = unwritable_folder(plan.root)
    if unwritable:
        # Fail before Nox tries to create an environment, which would fail less clearly.
        return add_failing(plan, unwritable)
    if len(configs) > 1:
        for step in plan.steps:
            for each in configs if not STEPS[step].is_for_project else ():
                add_step(plan, step, each, each.name)
    return {step: add_whole(plan, step, configs) for step in plan.steps}


def add_failing(plan: Plan, error: PystaticError) -> dict[str, Any]:
    """Sessions that only report the error, and need no environment."""
    return {step: add_failing_step(plan, step, error) for step in plan.steps}


def add_failing_step(plan: Plan, step: str, error: PystaticError) -> Any:
    def run(session: nox.Session) -> None:
        fail(session, error)

    run.__doc__ = f"Fails: {error.problem.rstrip(':.')}."
    return add_session(plan, step, run, venv_backend="none")


def add_whole(plan: Plan, step: str, configs: Sequence[ImageConfig]) -> Any:
    """The session that is named after the step alone."""
    if STEPS[step].is_for_project:
        return add_for_project(plan, step, configs)
    return add_step(plan, step, configs[0], "") if len(configs) == 1 else add_all(plan, step, configs)


def add_step(plan: Plan, step: str, config: ImageConfig, name: str) -> Any:
    """The session of one step for one image; `name` is empty for the only image."""
    work = plan.work(step, name)
    before = plan.step_before(step)

    def run(session: nox.Session) -> None:
        run_steps(session, work)

    run.__doc__ = STEPS[step].description.format(name=config.name)
    requires = [plan.session_name(before, name)] if before else []
    return add_session(plan, step, run, name=name, requires=requires, **options_for(work, config))


def add_for_project(plan: Plan, step: str, configs: Sequence[ImageConfig]) -> Any:
    """The session of a step that is done once for all images; it runs the steps before it when it needs them."""
    work = plan.work(step)

    def run(session: nox.Session) -> None:
        def push(named: Sequence[ImageConfig]) -> None:
            run_before(session, plan, step, {config.name if len(configs) > 1 else "": config for config in named})

        run_for_project(session, work, push)

    run.__doc__ = STEPS[step].description
    return add_session(plan, step, run, **options_for(work, configs[0]))


def add_all(plan: Plan, step: str, configs: Sequence[ImageConfig]) -> Any:
    """The session that runs a step for all images."""

    def run(session: nox.Session) -> None:
        """Do nothing: the required sessions do the work."""

    run.__doc__ = f"Run {step} for all images."
    if STEPS[step].in_foreground:
        commands = [plan.command(config.name)(step) for config in configs]
        return add_failing_step(plan, step, one_at_a_time(step, commands))
    requires = [plan.session_name(step, config.name) for config in configs]
    return add_session(plan, step, run, requires=requires, venv_backend="none")


def one_at_a_time(step: str, commands: Sequence[str]) -> ConfigError:
    """The error for a step in the foreground that is run without an image's name."""
    *others, last = commands
    return ConfigError(
        f"{step} takes one image at a time, but the project has {len(commands)}.",
        f"Choose one: {', '.join(others)} or {last}.",
    )


def add_session(plan: Plan, step: str, run: Callable[[nox.Session], None], name: str = "", **options: Any) -> Any:
    """Register a session with Nox under a name that no other session has, or return the same session.

    Raises:
        ConfigError: the name is taken.
    """
    session_name = plan.session_name(step, name)
    there = registry.get().get(session_name)
    identity = Identity(plan=plan, step=step, image=name)
    # Nox may load the same noxfile twice, as a script and as its own module; registering again would print warnings.
    if there is not None and identity_of(there) == identity:
        return there
    if there is not None:
        raise ConfigError(
            f'The noxfile already has a session "{session_name}", which pystatic_tasks.register() would replace.',
            f'Call register(prefix="{plan.prefix}app-"), register(names={{"{step}": "{plan.prefix}app-{step}"}}) '
            f'or register(skip=["{step}"]).',
        )
    setattr(run, IDENTITY, identity)
    on_request = STEPS[step].on_request
    default, tags = plan.default and not on_request, [] if on_request else list(plan.tags)
    return nox.session(name=session_name, default=default, tags=tags, **options)(run)
