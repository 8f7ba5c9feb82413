"""Creates the context of a step from a Nox session."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nox

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.options import Options
from pystatic_tasks.fronts.sessions.environment import installer, make_anew
from pystatic_tasks.fronts.sessions.neighbours import is_within, step_of, waiting_sessions
from pystatic_tasks.steps.context import StepContext, session_command
from pystatic_tasks.steps.freeze.install.interpreter import meant_by
from pystatic_tasks.system.terminal import make_terminal


def make_context(
    session: nox.Session, config: ImageConfig, options: Options, command: Callable[..., str] = session_command
) -> StepContext:
    """The context of all steps of a session.

    Args:
        session: The running session.
        config: The image.
        options: The options that the user typed.
        command: What the user types to run a step.
    """
    color: bool = session._runner.global_config.color
    # With --watch, the running program writes to the terminal at the same time.
    beside_program = options.watch and is_within(session)
    terminal = make_terminal(sys.stderr, os.environ, color=color, verbose=options.verbose or beside_program)
    waiting = {step_of(each) for each in waiting_sessions(session)}
    has_environment = session.venv_backend != "none"
    reused = getattr(session.virtualenv, "_reused", False)
    return StepContext(
        say=session.log,
        terminal=terminal,
        command=lambda step, *options: "" if beside_program or step in waiting else command(step, *options),
        verbose=options.verbose,
        archives=options.archives,
        platforms=options.platforms if len(options.platforms) > 1 else (),
        filenames=options.filenames,
        recursive=options.recursive,
        use_cache=options.use_cache,
        observes=options.observe,
        formats=options.formats,
        variables=options.variables,
        publish=options.publish,
        arguments=options.arguments,
        opens=options.open,
        watches=options.watch,
        python=Path(session.bin, "python") if has_environment else Path(sys.executable),
        reuses_environment=reused,
        # With --no-install, Nox still installs into an environment that it has just created.
        installs=not (session._runner.global_config.no_install and reused),
        wanted_python=wanted_python(session, config) if has_environment else "",
        install=installer(session, config, terminal, verbose=options.verbose),
        recreate=partial(make_anew, session, config),
    )


def wanted_python(session: nox.Session, config: ImageConfig) -> str:
    """The interpreter that Nox would now create the environment from; a reused environment may have another one."""
    name = str(session.python) if session.python else None
    return meant_by(name, config.root)
