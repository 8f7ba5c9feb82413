"""The step: runs the image under smoke's policy, shows its log, and stops it properly."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.variables import caller_values
from pystatic_tasks.engines import Artifact, Container, Engine, Policy, choose_engine, make_artifact
from pystatic_tasks.engines.base import GRACE_SECONDS
from pystatic_tasks.errors import ProgramError, PystaticError
from pystatic_tasks.steps import services
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.foreground import load, only_here
from pystatic_tasks.steps.manifest import release, require_result
from pystatic_tasks.steps.policy import make_policy
from pystatic_tasks.steps.results import Built, Frozen
from pystatic_tasks.steps.run.address import EVERYWHERE, choose_address, url_of
from pystatic_tasks.steps.run.log import follow, outputs
from pystatic_tasks.steps.run.watch import Seen, changed, look, wait_for_change
from pystatic_tasks.system.processes import undisturbed

WAIT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run, and how.

    Attributes:
        config: The image.
        artifact: The image for the engine.
        policy: The engine's policy for it.
        arguments: The program's arguments.
        watched: Files and folders whose changes may lead to another image.
    """

    config: ImageConfig
    artifact: Artifact
    policy: Policy
    arguments: tuple[str, ...]
    watched: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class Running:
    """A container, and the event that its whole log was shown.

    No thread is joined: until Python 3.12, a thread that is being joined when Ctrl-C comes counts as ended.
    """

    container: Container
    log_ended: threading.Event

    def wait(self, timeout: float) -> int | None:
        """The exit code, or None if it still runs after `timeout` seconds."""
        return self.container.wait(WAIT_SECONDS) if self.log_ended.wait(timeout) else None


def run(config: ImageConfig, context: StepContext) -> None:
    """Run the image in the foreground until it ends, or until Ctrl-C or SIGTERM ends it.

    Raises:
        ConfigError: it cannot be published at the wanted address.
        MissingToolError: no engine, or not the configured one, works here.
        ImageError: the engine cannot start it.
        ServiceError: a service cannot be started.
        ProgramError: it ended with an exit code other than 0.
        PystaticError: it is already running.
    """
    taken = f"{config.name} is already running from this folder."
    with only_here(config, "run", taken, "End it first, with Ctrl-C where it was started."):
        engine = choose_engine(config.smoke.engine)
        load(engine, artifact_of(config))
        plan = make_plan(config, context)
        seen = look(plan.watched) if context.watches else {}
        while True:
            following, seen = run_once(plan, seen, engine, context)
            if following is None:
                return
            if following.watched != plan.watched:
                seen = look(following.watched)
            plan = following


def artifact_of(config: ImageConfig) -> Artifact:
    built = require_result(config, Built)
    return make_artifact(config, written=built.written, ports=built.server_ports)


def make_plan(config: ImageConfig, context: StepContext, before: Plan | None = None) -> Plan:
    """What to run; the address is that of `before` if the program still listens at the same port."""
    artifact = artifact_of(config)
    if before and before.artifact.port == artifact.port:
        publish = before.policy.publish
    else:
        publish = choose_address(artifact, context.publish)
    usual = () if config.app else config.smoke.command
    frozen = require_result(config, Frozen)
    return Plan(
        config=config,
        artifact=artifact,
        policy=make_policy(config, user=config.image.user, step="run", env=context.variables, publish=publish),
        arguments=usual if context.arguments is None else context.arguments,
        watched=(*map(Path, frozen.sources), *(config.root / source for source in config.image.files.values())),
    )


def run_once(plan: Plan, seen: Seen, engine: Engine, context: StepContext) -> tuple[Plan | None, Seen]:
    """Run until the program ends or must be replaced; what to run next, if anything, and the state that it is from."""
    with services.running(plan.config, context), running(plan, engine, context) as program:
        try:
            if not context.watches:
                wait_for_end(plan, program, context)
                return None, seen
            following, seen = next_plan(plan, seen, program, engine, context)
        except KeyboardInterrupt:
            return None, seen
        finally:
            end(plan, program, context)
    return following or built_again(plan, engine, context) or plan, seen


@contextlib.contextmanager
def running(plan: Plan, engine: Engine, context: StepContext) -> Iterator[Running]:
    """The started program, with its log shown; removed afterwards."""
    config = plan.config
    with outputs(caller_values(config)) as (output, errors):
        container = engine.start(plan.artifact, plan.policy, plan.arguments)
        log_ended = threading.Event()

        def show_log() -> None:
            try:
                follow(container, output, errors)
            finally:
                log_ended.set()

        log = threading.Thread(target=show_log, daemon=True)
        try:
            # Let other processes build in the meantime.
            release(config)
            context.say(f"{config.name} runs {where(plan, engine, context)}; Ctrl-C ends it")
            log.start()
            yield Running(container=container, log_ended=log_ended)
        finally:
            with undisturbed():
                container.remove()
                if log.ident is not None:
                    log_ended.wait(GRACE_SECONDS)


def where(plan: Plan, engine: Engine, context: StepContext) -> str:
    """Its address and engine, as part of a line."""
    address, port = plan.policy.publish, plan.artifact.port
    if address is None:
        return f"({engine.name})"
    everywhere = " and at all other addresses of this machine" if address[0] == EVERYWHERE else ""
    taken = f"; port {port} is not free" if address[1] != port and not context.publish else ""
    return f"at {url_of(address)}{everywhere} ({engine.name}{taken})"


def wait_for_end(plan: Plan, program: Running, context: StepContext) -> None:
    """Raises ProgramError if it ends with an exit code other than 0."""
    while (code := program.wait(WAIT_SECONDS)) is None:
        pass
    if code:
        raise ProgramError(f"{plan.config.name} ended with exit code {code}.", remedy(plan, context), code=code)
    context.say(f"{plan.config.name} ended with exit code 0")


def remedy(plan: Plan, context: StepContext) -> str:
    if plan.config.app:
        return f"See its output above; {context.command('smoke') or 'smoke'} finds the reason and suggests what to do."
    return "See its output above."


def end(plan: Plan, program: Running, context: StepContext) -> None:
    """Stop the program properly if it still runs."""
    if not program.container.running():
        return
    name, stopped = plan.config.name, program.container.stop(GRACE_SECONDS)
    # The end of its log.
    program.log_ended.wait(WAIT_SECONDS)
    if stopped.seconds < GRACE_SECONDS:
        context.say(f"{name} ended with exit code {stopped.code} after {stopped.seconds:.1f} s")
    else:
        context.say(f"{name} did not end within {GRACE_SECONDS:.0f} s after TERM, and was killed")


def next_plan(
    plan: Plan, seen: Seen, program: Running, engine: Engine, context: StepContext
) -> tuple[Plan | None, Seen]:
    """What to run after a change, and the state after it; None if it must be built after the program has stopped."""
    following = None
    while following is None:
        now = wait_for_change(plan.watched, seen, waiting(plan, program, context))
        context.say(f"changed: {changed(seen, now, plan.config.root)}")
        seen = now
        if plan.config.services:
            # A build starts them too, at the same ports.
            break
        following = built_again(plan, engine, context)
    return following, seen


def waiting(plan: Plan, program: Running, context: StepContext) -> Callable[[float], None]:
    """A function that waits for some seconds, and reports once if the program ends."""
    ended = threading.Event()

    def wait(seconds: float) -> None:
        if ended.is_set():
            time.sleep(seconds)
            return
        code = program.wait(seconds)
        if code is not None:
            ended.set()
            context.say(f"{plan.config.name} ended with exit code {code}; the next change starts it again")

    return wait


def built_again(plan: Plan, engine: Engine, context: StepContext) -> Plan | None:
    """What to run now; None if it cannot be built, or is unchanged."""
    name = plan.config.name
    try:
        config = context.build_again()
        following = make_plan(config, context, plan)
        load(engine, following.artifact)
    except PystaticError as error:
        for line in str(error).splitlines():
            context.say(line)
        context.say(f"{name} is unchanged until the next change")
        return None
    finally:
        release(plan.config)
    if following == plan:
        context.say(f"{name} keeps running: the image is unchanged")
        return None
    return following
