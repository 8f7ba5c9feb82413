"""Reports an image that broke its contract, and keeps its log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.errors import SmokeError
from pystatic_tasks.steps.results import Check
from pystatic_tasks.steps.smoke.diagnose import FIX, Diagnosis, diagnose_all
from pystatic_tasks.steps.smoke.plain import SO_TOO
from pystatic_tasks.steps.smoke.runs import Run
from pystatic_tasks.system.files import write_whole

LOG_LINES_SHOWN = 20


def expected_otherwise(failed: Sequence[Check]) -> str:
    """What to do about an answer that may be right but was not declared."""
    for check in failed:
        if check.seen.startswith("lacks "):
            return "If these answers differ each time, set text or json of the request to what they must contain."
        if check.seen.endswith(SO_TOO):
            return "The program also fails like this before it is frozen: correct the program or smoke.requests."
        answered = re.match(r"answered ([1-4]\d\d)\b.*, expected \d+$", check.seen)
        method, _, path = check.name.partition(" ")
        if answered and method == "GET":
            request = f'{{ path = "{path}", status = {answered[1]} }}'
            return (
                "Request a path that the service has, or declare this answer in [tool.pystatic-tasks]: "
                f"smoke.requests = [{request}]"
            )
    return ""


def failed_runs(runs: Sequence[Run]) -> list[Run]:
    """The runs in which a check failed."""
    return [run for run in runs if not run.passed]


def log_file(config: ImageConfig) -> Path:
    """The file with the whole log of a failed run."""
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
        or f"All results are in {shown(config, config.dist / 'smoke.json')}.",
        [*names, *([f"its log, in full in {kept}, ends with:", *(f"| {line}" for line in log)] if log else [])],
        found.repairs,
    )
