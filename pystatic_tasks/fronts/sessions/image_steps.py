"""Runs the steps of one image in a session."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import nox

from pystatic_tasks.config.model import HERE, ImageConfig
from pystatic_tasks.config.options import Options, words_in_container, words_of_second_build
from pystatic_tasks.errors import ConfigError, PystaticError, SmokeError
from pystatic_tasks.fronts.container.build import freeze_and_pack
from pystatic_tasks.fronts.nox_process import Call
from pystatic_tasks.fronts.platforms import result_paths, run_for_platforms
from pystatic_tasks.fronts.rebuild.repair import check_repaired, write_repairs
from pystatic_tasks.fronts.rebuild.second_build import check_reproducible
from pystatic_tasks.fronts.sessions.context import make_context
from pystatic_tasks.fronts.sessions.ending import ended_in_order
from pystatic_tasks.fronts.sessions.environment import (
    backend_of_user,
    make_environment,
    only_installs,
    where_it_was_called,
)
from pystatic_tasks.fronts.sessions.neighbours import (
    is_awaited,
    is_prerequisite,
    read_options,
    run_again,
    runs_others,
    steps_to_come,
)
from pystatic_tasks.fronts.sessions.work import Work, check_place
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.step import prepare
from pystatic_tasks.steps.manifest import only_one, read_report, references_in
from pystatic_tasks.steps.table import STEPS
from pystatic_tasks.system.terminal import folded


def run_steps(session: nox.Session, work: Work) -> None:
    """Run the steps of one image; every error becomes Nox's own."""
    with ended_in_order(session), where_it_was_called():
        options = read_options(session)
        config = work.config(options)
        check_place(config, options)
        if options.watch:
            check_watchable(session, work)
        check_steps(session, work, config)
        if work.freezes_here(config):
            make_environment(session, config)
        if only_installs(session):
            if work.freezes_here(config):
                with only_one(config, session.log):
                    prepare(config, make_context(session, config, options, work.command))
            return
        with only_one(config, session.log, lambda: is_awaited(session, work.image)):
            run_and_repair(session, work, config, options)


def check_steps(session: nox.Session, work: Work, config: ImageConfig) -> None:
    """Raises ConfigError if a requested step cannot run, before anything is built for it."""
    context = StepContext(say=session.log, command=work.command)
    for step in (*work.steps, *steps_to_come(session)):
        STEPS[step].check(config, context)


def check_watchable(session: nox.Session, work: Work) -> None:
    """Raises ConfigError if --watch could not rebuild what a step runs in the foreground."""
    if STEPS[work.steps[-1]].in_foreground and not runs_others(session):
        raise ConfigError(
            f"--watch needs the sessions before {session.name} for its builds, "
            "but there are none, or Nox runs without them.",
            "Run a session of register() without --no-dependencies, or omit --watch.",
        )


def run_and_repair(session: nox.Session, work: Work, config: ImageConfig, options: Options) -> None:
    """Run the steps; with --fix, run them again after each repair, as long as there is one to try."""
    while True:
        try:
            run_each(session, work, config, options)
            return
        except SmokeError as error:
            if not options.fix or not error.repairs:
                raise
            written = write_repairs(config, error.repairs, session.log)
            config = work.config(options)
            for repair in error.repairs:
                check_repaired(config, repair)
            # After a repair, the manifests tell which steps must run again, even if --no-cache was given.
            options = replace(options, use_cache=True)
            build_again(session, work, config, ", ".join(written))


def build_again(session: nox.Session, work: Work, config: ImageConfig, written: str) -> None:
    """After a repair, run the sessions before this one again.

    Raises:
        PystaticError: those sessions are not ours to run, or one of them failed.
    """
    if work.freezes:
        return
    if not runs_others(session):
        raise PystaticError(
            f"{config.name} broke its contract; a possible repair is now in pyproject.toml: {written}.",
            f"Run freeze again, then the session {session.name}.",
        )
    failed = run_again(session)
    if failed:
        raise PystaticError(
            f"{config.name} was repaired with {written} in pyproject.toml, but then {failed} failed.",
            "See its output above.",
        )


def run_each(session: nox.Session, work: Work, config: ImageConfig, options: Options) -> None:
    """Run the steps in order, and print the results of the last one to standard output."""
    run = partial(run_one, work, options)

    def build_again_for_last() -> ImageConfig:
        config = work.config(options)
        failed = run_again(session)
        if failed:
            raise PystaticError(f"Cannot build {config.name}: {failed} failed.", "See its output above.")
        for step in work.steps[:-1]:
            run(step, config, replace(context, use_cache=True))
        return config

    context = make_context(session, config, options, work.command)
    context = replace(context, build_again=build_again_for_last)
    for step in work.steps:
        with fold(step, config):
            if context.platforms:
                run_for_platforms(STEPS[step], config, context, run)
            else:
                run(step, config, context)
        if step == "image" and options.check_reproducible:
            words = words_of_second_build(options)
            call = Call(root=config.root, step=step, images=(config.name,), words=words, overrides=work.overrides)
            check_reproducible(config, context, call, backend_of_user(session))
    last = STEPS[work.steps[-1]]
    # Those in the foreground leave no results.
    if not is_prerequisite(session, last.name) and not last.in_foreground:
        for path in result_paths(last, config, context.platforms):
            print_result(read_report(path), last.name, options)


def run_one(work: Work, options: Options, step: str, config: ImageConfig, context: StepContext) -> None:
    """Run one step here, or in the container in which the program is frozen."""
    if config.build.place == HERE or not STEPS[step].in_container:
        STEPS[step].run(config, context)
    elif STEPS[step].needs_environment:
        platform = config.platform or next(iter(options.platforms), None)
        freeze_and_pack(config, context, words_in_container(options), work.overrides, platform)


def fold(step: str, config: ImageConfig) -> AbstractContextManager[None]:
    """Fold the output of a verbose step in a CI job's log."""
    return folded(f"{step} of {config.name}", sys.stderr, os.environ) if STEPS[step].is_folded else nullcontext()


def print_result(content: Mapping[str, Any], step: str, options: Options) -> None:
    """Print a step's result, if it left one: as JSON with --json, otherwise only the references that were sent."""
    if options.json and content:
        print(json.dumps(content), flush=True)
    elif STEPS[step].on_request:
        for reference in references_in(content):
            print(reference, flush=True)
