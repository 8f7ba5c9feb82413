"""One run of the image, from start to stop, with its checks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pystatic_tasks.config.hiding import hidden, hiding
from pystatic_tasks.config.model import ImageConfig, Request
from pystatic_tasks.config.variables import caller_values
from pystatic_tasks.engines import Artifact, Container, Engine
from pystatic_tasks.engines.base import GRACE_SECONDS
from pystatic_tasks.in_env.protocol import ObservedAnswer
from pystatic_tasks.in_env.web.client import Answer, send
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.packers import says_ended_by_term, unpacked_into_tmp
from pystatic_tasks.steps.policy import make_policy
from pystatic_tasks.steps.results import Check
from pystatic_tasks.steps.smoke import contract
from pystatic_tasks.steps.smoke.page_parts import lacking_parts, lacks_parts
from pystatic_tasks.steps.smoke.plain import Plain, is_another_text, lacks, missing_words, read_plain, unlike_plain
from pystatic_tasks.steps.smoke.probes import first_path, mismatch, wait_until_ready

# How long a program must run if it does not report that it is ready.
SETTLE_SECONDS = 1.0
POLL_SECONDS = 0.05
# How often a request is repeated if its answer lacks words.
MORE_TRIES = 2


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the image, from start to stop.

    `startup_ms` is the time from the engine's start command to the first answer, or to the text that a
    long-running program prints; None without one.
    """

    user: str
    startup_ms: int | None
    checks: Sequence[Check]
    output: str

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def run_once(config: ImageConfig, engine: Engine, artifact: Artifact, user: str) -> Run:
    """Start the image as a user, check it, and stop it, whatever kind of program it is."""
    policy = make_policy(config, user=user, step="smoke")
    plain = read_plain(config)
    started = time.monotonic()
    container = engine.start(artifact, policy, [] if config.app else config.smoke.command)
    try:
        if serves(config):
            run = serve_once(config, container, plain, user, started)
        elif config.smoke.long_running:
            run = run_until_stopped(config, container, plain, user, started)
        else:
            run = end_once(config, container, user)
        return without_secrets(config, run)
    finally:
        container.remove()


def serves(config: ImageConfig) -> bool:
    """Whether the program serves HTTP."""
    return config.app is not None or config.smoke.port is not None


def serve_once(config: ImageConfig, container: Container, plain: Plain, user: str, started: float) -> Run:
    """A web service: send the requests, then stop it."""
    checks = []
    startup_ms = None
    if container.artifact.port is None:
        seen = find_server(config.server_kind).no_port
        return finish(config, container, plain, user, startup_ms, [Check(name="answers", passed=False, seen=seen)])
    address = container.address() if container.running() else None
    begun = time.monotonic()
    if address and wait_until_ready(container, address, first_path(config), config.smoke.timeout):
        ready = time.monotonic()
        startup_ms = round((ready - started) * 1000)
        checks += ask_all(config, address, plain)
        checks.append(contract.check_users(container.users()))
        if config.image.healthcheck:
            checks.append(contract.check_health(container.execute(["--healthcheck", config.image.healthcheck])))
        if not config.app:
            let_start(container, begun, ready)
    else:
        seen = (
            f"it ended with exit code {container.wait(0)}"
            if not container.running()
            else f"none within {config.smoke.timeout:g} s"
        )
        checks.append(Check(name="answers", passed=False, seen=seen))
    return finish(config, container, plain, user, startup_ms, checks)


def let_start(container: Container, begun: float, ready: float) -> None:
    """Let the other processes of a program start before it is stopped, for as long as the first one took.

    Many servers do not heed SIGTERM while they start workers; those that we bring do.

    Args:
        container: The program.
        begun: When it was started.
        ready: When it was first seen to be ready.
    """
    container.wait(max(0.0, min(ready - begun, GRACE_SECONDS) - (time.monotonic() - ready)))


def ask_all(config: ImageConfig, address: tuple[str, int], plain: Plain) -> list[Check]:
    checks = []
    for number, request in enumerate(config.smoke.requests):
        checks.append(ask(config, request, address, plain.answer_to(number, request)))
    return checks


def ask(config: ImageConfig, request: Request, address: tuple[str, int], plain: ObservedAnswer | None) -> Check:
    """Send one request, and compare the answer with the declared one and with the plain program's."""

    def answers() -> Iterator[Answer]:
        yield answer
        # Random words, and words that differ between workers, may be there next time.
        for _ in range(MORE_TRIES if request.method in ("GET", "HEAD") else 0):
            yield send(request, address, config.smoke.timeout)

    answer = send(request, address, config.smoke.timeout)
    name = f"{request.method} {request.path}"
    wrong = mismatch(request, answer, hiding(caller_values(config)))
    problem = unlike_plain(request, answer, wrong, plain)
    if problem:
        return Check(name=name, passed=False, seen=problem)
    lacking = lacking_parts(request, answer, plain, address, config.smoke.timeout) if plain else []
    if lacking:
        return Check(name=name, passed=False, seen=lacks_parts(lacking))
    seen = f"{answer.status} in {answer.seconds * 1000:.0f} ms"
    missing = missing_words(request, answers(), plain)
    if plain is None or not missing:
        return Check(name=name, passed=True, seen=seen)
    if is_another_text(missing, plain):
        return Check(name=name, passed=False, seen=lacks(missing, plain))
    return Check(name=name, passed=True, seen=f"{seen}; {lacks(missing, plain)}")


def finish(
    config: ImageConfig,
    container: Container,
    plain: Plain,
    user: str,
    startup_ms: int | None,
    checks: list[Check],
) -> Run:
    """Stop the container, and check what it leaves behind."""
    if container.running():
        end = container.stop(GRACE_SECONDS)
        checks.append(contract.check_stop(end, by_term=says_ended_by_term(config, container.output())))
    elif not any(check.name == "answers" for check in checks):
        # Otherwise, the check "answers" already says so.
        checks.append(contract.check_ended(container.wait(0)))
    output = container.output()
    checks += [
        contract.check_log(output, container.artifact.server, plain.errors, caller_values(config)),
        contract.check_leftovers(container.leftovers(), unpacked_into_tmp(config)),
    ]
    return Run(user=user, startup_ms=startup_ms, checks=checks, output=output)


def without_secrets(config: ImageConfig, run: Run) -> Run:
    """A run without secrets, which may be shown and kept; it was checked before, with its whole output."""
    found = caller_values(config)
    checks = [replace(check, seen=hidden(check.seen, found)) for check in run.checks]
    return replace(run, checks=checks, output=hidden(run.output, found))


def end_once(config: ImageConfig, container: Container, user: str) -> Run:
    """A program without HTTP: let it end, and check its exit code and output."""
    code = container.wait(config.smoke.timeout)
    if code is None:
        container.stop(GRACE_SECONDS)
    output = container.output()
    checks = [check_code(config, code)]
    if config.smoke.stdout is not None:
        checks.append(check_text(config.smoke.stdout, found=config.smoke.stdout in output))
    checks.append(contract.check_leftovers(container.leftovers(), unpacked_into_tmp(config)))
    return Run(user=user, startup_ms=None, checks=checks, output=output)


def check_code(config: ImageConfig, code: int | None) -> Check:
    wanted = config.smoke.exit_code
    seen = f"still running after {config.smoke.timeout:g} s" if code is None else f"exit code {code}"
    if code is not None and code != wanted and wanted:
        seen += f", expected {wanted}"
    return Check(name=" ".join([config.name, *config.smoke.command]), passed=code == wanted, seen=seen)


def check_text(text: str, *, found: bool) -> Check:
    return Check(name=f"prints {text!r}", passed=found, seen="found" if found else "not found")


def run_until_stopped(config: ImageConfig, container: Container, plain: Plain, user: str, started: float) -> Run:
    """A program without HTTP that runs until SIGTERM: wait for its text, then stop it."""
    text = config.smoke.stdout
    checks = []
    startup_ms = None
    begun = time.monotonic()
    if text is None:
        container.wait(SETTLE_SECONDS)
    else:
        found = wait_for_text(container, text, config.smoke.timeout)
        if found:
            ready = time.monotonic()
            startup_ms = round((ready - started) * 1000)
            let_start(container, begun, ready)
        checks.append(check_text(text, found=found))
    users = container.users() if container.running() else set()
    # A program that has ended in the meantime has no processes to look at.
    if users or container.wait(POLL_SECONDS) is None:
        checks.append(contract.check_users(users))
    return finish(config, container, plain, user, startup_ms, checks)


def wait_for_text(container: Container, text: str, timeout: float) -> bool:
    """Wait until the program has printed the text; False if it ends before, or after `timeout` seconds."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        # Asked in this order, so that the last output is not missed.
        runs = container.running()
        if text in container.output():
            return True
        if not runs:
            return False
        time.sleep(POLL_SECONDS)
    return False
