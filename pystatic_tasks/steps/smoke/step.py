"""The step: run the image as the configured user and as a random one, and hold it to the contract."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pystatic_tasks.config.hiding import hidden
from pystatic_tasks.config.model import ImageConfig, Request, shown
from pystatic_tasks.config.variables import caller_values
from pystatic_tasks.engines import Artifact, Container, Engine, choose_engine, make_artifact
from pystatic_tasks.engines.base import GRACE_SECONDS
from pystatic_tasks.errors import PystaticError, SmokeError
from pystatic_tasks.in_env.client import Answer, send
from pystatic_tasks.in_env.protocol import ObservedAnswer
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.packers import says_ended_by_term, unpacked_into_tmp
from pystatic_tasks.steps import services
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.import_times import slowest
from pystatic_tasks.steps.manifest import report_path, require_result, write_report
from pystatic_tasks.steps.policy import make_policy
from pystatic_tasks.steps.report_page import write_pages
from pystatic_tasks.steps.results import Built, Check, Imports, RunReport, Smoked
from pystatic_tasks.steps.smoke import contract
from pystatic_tasks.steps.smoke.diagnose import FIX, Diagnosis, diagnose_all
from pystatic_tasks.steps.smoke.imports import measure_imports
from pystatic_tasks.steps.smoke.plain import Plain, is_another_text, lacks, missing_words, read_plain, unlike_plain
from pystatic_tasks.steps.smoke.probes import mismatch, wait_until_ready
from pystatic_tasks.steps.start_phases import in_a_line
from pystatic_tasks.system.files import write_whole
from pystatic_tasks.system.terminal import add_to_job_summary

# Of smoke.json; described by schemas/smoke.schema.json.
REPORT_VERSION = 1
RANDOM_USERS = range(10_000, 60_000)
LOG_LINES_SHOWN = 20
# How long a program must run that says nothing of being ready.
SETTLE_SECONDS = 1.0
POLL_SECONDS = 0.05
# How often more is asked what lacks words.
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


def smoke(config: ImageConfig, context: StepContext) -> Smoked:
    """Prove the image, and write `dist/pystatic/NAME/smoke.json`.

    Returns:
        What was asked and seen.

    Raises:
        MissingToolError: no engine, or not the one asked for, works here.
        SmokeError: a service cannot be started, or a check failed; the log and what to do are in the message.
    """
    built = require_result(config, Built)
    for left in (log_file(config), report_path(config, Imports.step)):
        left.unlink(missing_ok=True)
    engine = choose_engine(config.smoke.engine)
    artifact = make_artifact(config, written=built.written, ports=built.server_ports)
    # Reads all of the archive, which no engine is to be given if it is another.
    still = [
        *contract.check_files(artifact.archive, config.name, artifact.written),
        contract.check_budget(
            (built.size_bytes, built.compressed_bytes), (config.max_size, config.max_compressed_size)
        ),
    ]
    with context.terminal.activity(f"loading {config.references[0]} into {engine.name}"):
        engine.load(artifact)
    version = engine.version()
    context.say(f"{engine.name} ({version}): root read-only, no capabilities, no new privileges")
    if config.services:
        listed = services.listed(config.services)
        context.say(f"services: {listed}; {engine.name} runs the image in the network of this machine")

    show(context, still)
    runs = []
    for user in (config.image.user, random_user()):
        with services.running(config, context), context.terminal.activity(f"running it as user {user}"):
            runs.append(run_once(config, engine, artifact, user))
        started = runs[-1].startup_ms
        first = "first answer" if serves(config) else "ready"
        context.say(f"as user {user}" + (f", {first} after {started} ms" if started is not None else ""))
        show(context, runs[-1].checks if is_news(runs) else [summed_up(runs[-1])])
    for each in engine.unchecked:
        context.say(f"not checked by {engine.name}: {each}")

    passed = all(check.passed for check in [*still, *(each for run in runs for each in run.checks)])
    if passed and serves(config):
        report_imports(config, context, engine, artifact, built)
    report = Smoked(
        version=REPORT_VERSION,
        name=config.name,
        digest=built.digest,
        engine=engine.name,
        engine_version=version,
        passed=passed,
        checks=tuple(still),
        runs=tuple(RunReport(user=run.user, startup_ms=run.startup_ms, checks=tuple(run.checks)) for run in runs),
        unchecked=engine.unchecked,
    )
    write_report(config, report)
    with suppress(PystaticError):
        # Of an image that an older version made not all is on record that the page shows.
        write_pages(config)
    add_to_job_summary(as_markdown(config, engine, still, runs))
    if not report.passed:
        keep_log(config, runs)
        raise failure(config, still, runs, fix=context.command("smoke", "--fix"))
    return report


def report_imports(config: ImageConfig, context: StepContext, engine: Engine, artifact: Artifact, built: Built) -> None:
    """Write and say how long its imports take, and the other parts of its start, where the program tells that."""
    with services.running(config, context), context.terminal.activity("looking at its imports"):
        imports = measure_imports(config, engine, artifact, built)
    if imports:
        write_report(config, imports)
        if imports.phases:
            context.say(in_a_line(imports.phases))
        context.say(slowest(imports))


def as_markdown(config: ImageConfig, engine: Engine, still: Sequence[Check], runs: Sequence[Run]) -> str:
    """What was seen, as a table under a heading."""
    checks = [("image", check) for check in still] + [(run.user, check) for run in runs for check in run.checks]
    lines = [
        f"| {user} | {escaped(check.name)} | {'ok' if check.passed else '**failed**'} | {escaped(check.seen)} |"
        for user, check in checks
    ]
    head = [f"### smoke of {config.name} in {engine.name}", "", "| as | check | | seen |", "|---|---|---|---|"]
    return "\n".join([*head, *lines]) + "\n"


def escaped(text: str) -> str:
    """A text as one cell of a table."""
    return " ".join(text.replace("|", "\\|").split())


def random_user() -> str:
    number = secrets.choice(RANDOM_USERS)
    return f"{number}:{number}"


def is_news(runs: Sequence[Run]) -> bool:
    """Whether the last run has more to say than that it went as the first."""
    return len(runs) == 1 or not all(check.passed for run in runs for check in run.checks)


def summed_up(run: Run) -> Check:
    return Check(name=f"the same {len(run.checks)} checks", passed=True, seen="as before")


def show(context: StepContext, checks: Sequence[Check]) -> None:
    for check in checks:
        mark = context.terminal.colored(*("ok    ", "green") if check.passed else ("FAILED", "red"))
        context.say(f"  {mark}  {check.name}: {check.seen}")


def run_once(config: ImageConfig, engine: Engine, artifact: Artifact, user: str) -> Run:
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
    """Whether the program is asked by HTTP."""
    return config.app is not None or config.smoke.port is not None


def serve_once(config: ImageConfig, container: Container, plain: Plain, user: str, started: float) -> Run:
    """A web service: ask the requests, then stop it."""
    checks = []
    startup_ms = None
    if container.artifact.port is None:
        seen = find_server(config.server_kind).no_port
        return finish(config, container, plain, user, startup_ms, [Check(name="answers", passed=False, seen=seen)])
    address = container.address() if container.running() else None
    first = config.smoke.requests[0].path if config.smoke.requests else "/"
    if address and wait_until_ready(container, address, first, config.smoke.timeout):
        startup_ms = round((time.monotonic() - started) * 1000)
        checks += ask_all(config, address, plain)
        checks.append(contract.check_users(container.users()))
        if config.image.healthcheck:
            checks.append(contract.check_health(container.execute(["--healthcheck", config.image.healthcheck])))
    else:
        seen = (
            f"it ended with exit code {container.wait(0)}"
            if not container.running()
            else f"none within {config.smoke.timeout:g} s"
        )
        checks.append(Check(name="answers", passed=False, seen=seen))
    return finish(config, container, plain, user, startup_ms, checks)


def ask_all(config: ImageConfig, address: tuple[str, int], plain: Plain) -> list[Check]:
    checks = []
    for number, request in enumerate(config.smoke.requests):
        checks.append(ask(config, request, address, plain.answer_to(number, request)))
    return checks


def ask(config: ImageConfig, request: Request, address: tuple[str, int], plain: ObservedAnswer | None) -> Check:
    """Ask one request, and compare what is answered with what is declared and with the plain program's answer."""

    def answers() -> Iterator[Answer]:
        yield answer
        # What is drawn, or counted by each worker, may be there the next time.
        for _ in range(MORE_TRIES if request.method in ("GET", "HEAD") else 0):
            yield send(request, address, config.smoke.timeout)

    answer = send(request, address, config.smoke.timeout)
    name = f"{request.method} {request.path}"
    problem = unlike_plain(request, answer, mismatch(request, answer), plain)
    if problem:
        return Check(name=name, passed=False, seen=problem)
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
    """Stop the container and look at what it leaves."""
    if container.running():
        end = container.stop(GRACE_SECONDS)
        checks.append(contract.check_stop(end, by_term=says_ended_by_term(config, container.output())))
    elif not any(check.name == "answers" for check in checks):
        # There it would have been said.
        checks.append(contract.check_ended(container.wait(0)))
    output = container.output()
    checks += [
        contract.check_log(output, container.artifact.server, plain.errors, caller_values(config)),
        contract.check_leftovers(container.leftovers(), unpacked_into_tmp(config)),
    ]
    return Run(user=user, startup_ms=startup_ms, checks=checks, output=output)


def without_secrets(config: ImageConfig, run: Run) -> Run:
    """A run as it may be shown and kept; it is judged before, by all that it said."""
    found = caller_values(config)
    checks = [replace(check, seen=hidden(check.seen, found)) for check in run.checks]
    return replace(run, checks=checks, output=hidden(run.output, found))


def end_once(config: ImageConfig, container: Container, user: str) -> Run:
    """A program without HTTP: let it end, and look at its exit code and output."""
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
    seen = f"still runs after {config.smoke.timeout:g} s" if code is None else f"exit code {code}"
    if code is not None and code != wanted and wanted:
        seen += f", expected {wanted}"
    return Check(name=" ".join([config.name, *config.smoke.command]), passed=code == wanted, seen=seen)


def check_text(text: str, *, found: bool) -> Check:
    return Check(name=f"prints {text!r}", passed=found, seen="found" if found else "not found")


def run_until_stopped(config: ImageConfig, container: Container, plain: Plain, user: str, started: float) -> Run:
    """A program without HTTP that runs until TERM: wait for its text, then stop it."""
    text = config.smoke.stdout
    checks = []
    startup_ms = None
    if text is None:
        container.wait(SETTLE_SECONDS)
    else:
        found = wait_for_text(container, text, config.smoke.timeout)
        if found:
            startup_ms = round((time.monotonic() - started) * 1000)
        checks.append(check_text(text, found=found))
    users = container.users() if container.running() else set()
    # One that ends meanwhile has no processes that could be seen.
    if users or container.wait(POLL_SECONDS) is None:
        checks.append(contract.check_users(users))
    return finish(config, container, plain, user, startup_ms, checks)


def wait_for_text(container: Container, text: str, timeout: float) -> bool:
    """Wait until the program has printed the text; False if it ends before or `timeout` seconds pass."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        # Asked in this order, so that what it prints last is seen.
        runs = container.running()
        if text in container.output():
            return True
        if not runs:
            return False
        time.sleep(POLL_SECONDS)
    return False


def expected_otherwise(failed: Sequence[Check]) -> str:
    """What to do about an answer that may be right, though nobody declared it."""
    for check in failed:
        if check.seen.startswith("lacks "):
            return "If such answers are never the same, say what they must contain, by text or json of the request."
        answered = re.match(r"answered ([1-4]\d\d), expected \d+$", check.seen)
        method, _, path = check.name.partition(" ")
        if answered and method == "GET":
            request = f'{{ path = "{path}", status = {answered[1]} }}'
            return (
                "Ask for a path that the service has, or declare that answer, in [tool.pystatic-tasks]: "
                f"smoke.requests = [{request}]"
            )
    return ""


def failed_runs(runs: Sequence[Run]) -> list[Run]:
    """Those that did not go as they should."""
    return [run for run in runs if not all(check.passed for check in run.checks)]


def log_file(config: ImageConfig) -> Path:
    """Where the whole log of a failed run is kept."""
    return config.work / "smoke.log"


def keep_log(config: ImageConfig, runs: Sequence[Run]) -> None:
    for run in failed_runs(runs)[:1]:
        if run.output.strip():
            write_whole(log_file(config), run.output)


def failure(config: ImageConfig, still: Sequence[Check], runs: Sequence[Run], fix: str = FIX) -> SmokeError:
    failed = [check for check in [*still, *(each for run in runs for each in run.checks)] if not check.passed]
    names = list(dict.fromkeys(f"{check.name}: {check.seen}" for check in failed))
    outputs = [run.output for run in failed_runs(runs)]
    log = outputs[0].strip().splitlines()[-LOG_LINES_SHOWN:] if outputs else []
    kept = shown(config, log_file(config))
    found = diagnose_all(config, "\n".join(outputs)) if outputs else Diagnosis(text="")
    return SmokeError(
        f"{config.name} broke its contract:",
        found.text.replace(FIX, fix)
        or expected_otherwise(failed)
        or f"All that was seen is in {shown(config, config.dist / 'smoke.json')}.",
        [*names, *([f"its log, whole in {kept}, ends so:", *(f"| {line}" for line in log)] if log else [])],
        found.repairs,
    )
