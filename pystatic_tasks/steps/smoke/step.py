"""The step: runs the image as the configured user and as a random one, and checks its contract."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress

from pystatic_tasks.config.model import ImageConfig, Smoke
from pystatic_tasks.engines import Artifact, Engine, choose_engine, make_artifact
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.steps import services
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.import_times import slowest
from pystatic_tasks.steps.manifest import report_path, require_result, write_report
from pystatic_tasks.steps.report_page import discard_page, write_pages
from pystatic_tasks.steps.results import Built, Check, Imports, RunReport, Smoked
from pystatic_tasks.steps.smoke import contract
from pystatic_tasks.steps.smoke.failure import failure, keep_log, log_file
from pystatic_tasks.steps.smoke.imports import measure_imports
from pystatic_tasks.steps.smoke.runs import Run, run_once, serves
from pystatic_tasks.steps.start_phases import in_a_line
from pystatic_tasks.system.terminal import add_to_job_summary

# The version of smoke.json, which schemas/smoke.schema.json describes.
REPORT_VERSION = 1
RANDOM_USERS = range(10_000, 60_000)


def smoke(config: ImageConfig, context: StepContext) -> Smoked:
    """Test the image, and write `dist/pystatic/NAME/smoke.json`.

    Returns:
        The content of `smoke.json`.

    Raises:
        MissingToolError: no engine, or not the configured one, works here.
        SmokeError: a service cannot be started, or a check failed; the message has the log and what to do.
    """
    built = require_result(config, Built)
    for left in (log_file(config), report_path(config, Imports.step)):
        left.unlink(missing_ok=True)
    engine = choose_engine(config.smoke.engine)
    artifact = make_artifact(config, written=built.written, ports=built.server_ports)
    # Reads the whole archive first, since an engine must not get another image.
    still = [
        *contract.check_files(artifact.archive, config.name, artifact.written),
        contract.check_budget(
            (built.size_bytes, built.compressed_bytes), (config.max_size, config.max_compressed_size)
        ),
    ]
    with context.terminal.activity(f"loading {config.references[0]} into {engine.name}"):
        engine.load(artifact)
    version = engine.version()
    say_how_it_runs(config, context, engine, version)
    show(context, still)
    runs = run_as_each_user(config, context, engine, artifact)
    passed = all(check.passed for check in still) and all(run.passed for run in runs)
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
    discard_page(config)
    write_report(config, report)
    with suppress(PystaticError):
        # The records of an image that an older version made may be incomplete.
        write_pages(config)
    add_to_job_summary(as_markdown(config, engine, still, runs))
    if not report.passed:
        keep_log(config, runs)
        raise failure(config, still, runs, fix=context.command("smoke", "--fix"))
    return report


def say_how_it_runs(config: ImageConfig, context: StepContext, engine: Engine, version: str) -> None:
    """Report the engine, its isolation, the services, and the requests that nobody will answer."""
    context.say(f"{engine.name} ({version}): root read-only, no capabilities, no new privileges")
    if config.services:
        listed = services.listed(config.services)
        context.say(f"services: {listed}; {engine.name} runs the image in this machine's network")
    if not serves(config) and config.smoke.requests != Smoke().requests:
        context.say("smoke.requests are not sent: no smoke.port says where the program serves HTTP")


def run_as_each_user(config: ImageConfig, context: StepContext, engine: Engine, artifact: Artifact) -> list[Run]:
    """Run the image as its own user and as a random one, and show what was checked."""
    runs: list[Run] = []
    for user in (config.image.user, random_user()):
        with services.running(config, context), context.terminal.activity(f"running it as user {user}"):
            runs.append(run_once(config, engine, artifact, user))
        started = runs[-1].startup_ms
        first = "first answer" if serves(config) else "ready"
        context.say(f"as user {user}" + (f", {first} after {started} ms" if started is not None else ""))
        show(context, runs[-1].checks if is_news(runs) else [summed_up(runs[-1])])
    for each in engine.unchecked:
        context.say(f"not checked by {engine.name}: {each}")
    return runs


def report_imports(config: ImageConfig, context: StepContext, engine: Engine, artifact: Artifact, built: Built) -> None:
    """Measure, write and show the duration of its imports and, if the program reports them, of the other parts."""
    with services.running(config, context), context.terminal.activity("measuring its imports"):
        imports = measure_imports(config, engine, artifact, built)
    if imports:
        write_report(config, imports)
        if imports.phases:
            context.say(in_a_line(imports.phases))
        context.say(slowest(imports))


def as_markdown(config: ImageConfig, engine: Engine, still: Sequence[Check], runs: Sequence[Run]) -> str:
    """The checks, as a table under a heading."""
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
    """Whether the last run must be shown, because it is the first or because a check failed."""
    return len(runs) == 1 or not all(run.passed for run in runs)


def summed_up(run: Run) -> Check:
    return Check(name=f"the same {len(run.checks)} checks", passed=True, seen="as before")


def show(context: StepContext, checks: Sequence[Check]) -> None:
    for check in checks:
        mark = context.terminal.colored(*("ok    ", "green") if check.passed else ("FAILED", "red"))
        context.say(f"  {mark}  {check.name}: {check.seen}")
