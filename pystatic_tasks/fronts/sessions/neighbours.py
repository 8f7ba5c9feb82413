"""Finds the other sessions of a run, and runs some of them inside a session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import nox
from nox.sessions import SessionRunner

from pystatic_tasks.config.options import Options, check_taken, parse_options
from pystatic_tasks.fronts.sessions.plan import Plan
from pystatic_tasks.steps.table import with_steps_before

# The attributes that mark our session functions, and a session that runs inside another one. The latter lists the
# sessions that continue after it, the outer one last.
IDENTITY = "pystatic_identity"
WITHIN = "pystatic_within"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Identifies one of our sessions.

    Attributes:
        plan: The call of `register()` that it belongs to.
        step: Its step.
        image: Name of its image; "" for the only one, and for all.
    """

    plan: Plan
    step: str
    image: str = ""


def identity_of(function: object) -> Identity | None:
    """The identity of a session by its function; None for a session that is not ours."""
    identity: Identity | None = getattr(function, IDENTITY, None)
    return identity


def is_ours(runner: SessionRunner) -> bool:
    return identity_of(runner.func) is not None


def step_of(runner: SessionRunner) -> str:
    """The step that one of our sessions runs; "" for a session that is not ours."""
    identity = identity_of(runner.func)
    return identity.step if identity else ""


def is_within(session: nox.Session) -> bool:
    """Whether this session runs inside another one."""
    return bool(getattr(session._runner, WITHIN, ()))


def waiting_sessions(session: nox.Session) -> list[SessionRunner]:
    """The sessions that continue or start after this one."""
    queued = [each for each, is_queued in session._runner.manifest.list_all_sessions() if is_queued]
    return [*getattr(session._runner, WITHIN, ()), *queued]


def is_prerequisite(session: nox.Session, step: str) -> bool:
    """Whether a requested session of a later step waits for this one."""
    waiting = [each for each in waiting_sessions(session) if session._runner.name in each.func.requires]
    return is_within(session) or any(step_of(each) not in ("", step) for each in waiting)


def is_awaited(session: nox.Session, image: str) -> bool:
    """Whether the build of that image continues after this session, in this process."""
    later = [identity_of(each.func) for each in waiting_sessions(session)]
    return is_within(session) or any(each and each.image == image for each in later)


def steps_to_come(session: nox.Session) -> list[str]:
    """The steps that will continue with the image of this session, in the same call of `register()`."""
    own = identity_of(session._runner.func)
    later = [identity_of(each.func) for each in waiting_sessions(session)]
    same = [each for each in later if own and each and (each.plan, each.image) == (own.plan, own.image)]
    return [step for each in same for step in each.plan.work(each.step, each.image).steps]


def read_options(session: nox.Session) -> Options:
    """Parse the words after `--`, which are the same for all requested sessions.

    Raises:
        ConfigError: an option is unknown, has a wrong value, or means nothing to any of these sessions.
    """
    options = parse_options(session.posargs)
    steps = steps_of_run(session)
    if steps is not None:
        check_taken(options.given, options.arguments, steps)
    return options


def steps_of_run(session: nox.Session) -> set[str] | None:
    """The steps of all requested sessions, and all steps before them.

    Returns:
        None if a session is not ours, as it may run any step, or if this session runs inside another one.
    """
    own = session._runner
    # The result of a failed session is falsy.
    there = [
        each for each, queued in own.manifest.list_all_sessions() if queued or each.result is not None or each is own
    ]
    identities = [identity_of(each.func) for each in there]
    known = [each for each in identities if each]
    if is_within(session) or not known or len(known) < len(identities):
        return None
    return with_steps_before(step for each in known for step in each.plan.work(each.step, each.image).steps)


def runs_others(session: nox.Session) -> bool:
    """Whether the sessions before this one are ours, and Nox runs them."""
    return is_ours(session._runner) and not session._runner.global_config.no_dependencies


def sessions_before(runner: SessionRunner) -> Iterator[SessionRunner]:
    """Our sessions that a session requires, in the order in which they run."""
    for each in runner.get_direct_dependencies():
        if is_ours(each):
            yield from sessions_before(each)
            yield each


def run_missing(session: nox.Session, identity: Identity) -> str:
    """Run one of our sessions and those before it, if they have not run yet; the name of the one that failed, or ""."""
    there = [each for each, _ in session._runner.manifest.list_all_sessions()]
    wanted = next(each for each in there if identity_of(each.func) == identity)
    missing = [each for each in (*sessions_before(wanted), wanted) if not each.result]
    return run_within(session, missing, session.posargs)


def run_again(session: nox.Session) -> str:
    """Run the sessions before this one again; the name of the one that failed, or "".

    Nox itself runs no session twice, not even with `session.notify()`.
    """
    posargs = [word for word in session.posargs if word != "--no-cache"]
    return run_within(session, list(sessions_before(session._runner)), posargs)


def run_within(session: nox.Session, runners: Sequence[SessionRunner], posargs: Sequence[str]) -> str:
    """Run other sessions inside one, and stop at the first failure; the name of the one that failed, or ""."""
    for number, each in enumerate(runners):
        each.posargs = list(posargs)
        with waited_for(each, [*runners[number + 1 :], session._runner]):
            result = each.execute()
        result.log(f"Session {each.friendly_name} {result.imperfect}.")
        if not result:
            return each.friendly_name
    return ""


@contextmanager
def waited_for(runner: SessionRunner, later: Sequence[SessionRunner]) -> Iterator[None]:
    """Mark a session as one that runs before these other sessions, in this order."""
    setattr(runner, WITHIN, later)
    try:
        yield
    finally:
        setattr(runner, WITHIN, ())
