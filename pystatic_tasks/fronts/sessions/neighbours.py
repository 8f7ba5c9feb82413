"""The other sessions of a run: which there are, and how one runs some of them in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import nox
from nox.sessions import SessionRunner

from pystatic_tasks.config.options import Options, check_taken, parse_options
from pystatic_tasks.fronts.sessions.plan import Plan
from pystatic_tasks.steps.table import with_steps_before

# What a function of ours is marked by, and what a session that another one runs: those that go on after it, that
# one last.
IDENTITY = "pystatic_identity"
WITHIN = "pystatic_within"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a session of ours is.

    Attributes:
        plan: The call of `register()` that it is of.
        step: Its step.
        image: Name of its image; "" for the only one, and for all.
    """

    plan: Plan
    step: str
    image: str = ""


def identity_of(function: object) -> Identity | None:
    """What a session of ours is, by its function; None for one of somebody else."""
    identity: Identity | None = getattr(function, IDENTITY, None)
    return identity


def is_ours(runner: SessionRunner) -> bool:
    return identity_of(runner.func) is not None


def step_of(runner: SessionRunner) -> str:
    """The step that a session of ours runs, or "" for one of somebody else."""
    identity = identity_of(runner.func)
    return identity.step if identity else ""


def is_within(session: nox.Session) -> bool:
    """Whether another session runs this one in the middle of it."""
    return bool(getattr(session._runner, WITHIN, ()))


def waiting_sessions(session: nox.Session) -> list[SessionRunner]:
    """The sessions that go on after this one."""
    queued = [each for each, is_queued in session._runner.manifest.list_all_sessions() if is_queued]
    return [*getattr(session._runner, WITHIN, ()), *queued]


def is_prerequisite(session: nox.Session, step: str) -> bool:
    """Whether a session of a later step that was asked for waits for this one."""
    waiting = [each for each in waiting_sessions(session) if session._runner.name in each.func.requires]
    return is_within(session) or any(step_of(each) not in ("", step) for each in waiting)


def is_awaited(session: nox.Session, image: str) -> bool:
    """Whether the build of that image goes on after the session, in this process."""
    later = [identity_of(each.func) for each in waiting_sessions(session)]
    return is_within(session) or any(each and each.image == image for each in later)


def steps_to_come(session: nox.Session) -> list[str]:
    """The steps that go on with the image of this session, of the same call of `register()`."""
    own = identity_of(session._runner.func)
    later = [identity_of(each.func) for each in waiting_sessions(session)]
    same = [each for each in later if own and each and (each.plan, each.image) == (own.plan, own.image)]
    return [step for each in same for step in each.plan.work(each.step, each.image).steps]


def read_options(session: nox.Session) -> Options:
    """The words after `--`, which are the same for all sessions that Nox was asked for.

    Raises:
        ConfigError: one is unknown, has a wrong value, or says nothing to any of these sessions.
    """
    options = parse_options(session.posargs)
    steps = steps_of_run(session)
    if steps is not None:
        check_taken(options.given, options.arguments, steps)
    return options


def steps_of_run(session: nox.Session) -> set[str] | None:
    """The steps of all sessions that Nox was asked for, and what they follow from.

    Returns:
        None if one of them is somebody else's, which may do any step, and where another session runs this one.
    """
    own = session._runner
    # A result is false where a session failed.
    there = [
        each for each, queued in own.manifest.list_all_sessions() if queued or each.result is not None or each is own
    ]
    identities = [identity_of(each.func) for each in there]
    known = [each for each in identities if each]
    if is_within(session) or not known or len(known) < len(identities):
        return None
    return with_steps_before(step for each in known for step in each.plan.work(each.step, each.image).steps)


def runs_others(session: nox.Session) -> bool:
    """Whether the sessions that this one follows from are ours, and Nox runs them."""
    return is_ours(session._runner) and not session._runner.global_config.no_dependencies


def sessions_before(runner: SessionRunner) -> Iterator[SessionRunner]:
    """Those of ours that a session requires, in the order in which they run."""
    for each in runner.get_direct_dependencies():
        if is_ours(each):
            yield from sessions_before(each)
            yield each


def run_missing(session: nox.Session, identity: Identity) -> str:
    """Run a session of ours, after those before it, as far as they did not run; the name of the one that failed."""
    there = [each for each, _ in session._runner.manifest.list_all_sessions()]
    wanted = next(each for each in there if identity_of(each.func) == identity)
    missing = [each for each in (*sessions_before(wanted), wanted) if not each.result]
    return run_within(session, missing, session.posargs)


def run_again(session: nox.Session) -> str:
    """Run once more the sessions that this one follows from; the name of the one that failed, or "".

    Nox itself runs no session twice, and its `session.notify()` neither.
    """
    posargs = [word for word in session.posargs if word != "--no-cache"]
    return run_within(session, list(sessions_before(session._runner)), posargs)


def run_within(session: nox.Session, runners: Sequence[SessionRunner], posargs: Sequence[str]) -> str:
    """Run other sessions in the middle of one; the name of the first that failed, after which none is run, or ""."""
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
    """Let a session count meanwhile as one that others go on after, in this order."""
    setattr(runner, WITHIN, later)
    try:
        yield
    finally:
        setattr(runner, WITHIN, ())
