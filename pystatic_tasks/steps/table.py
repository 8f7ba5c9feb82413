"""The only list of steps, in order."""

from __future__ import annotations

from collections.abc import Iterable

from pystatic_tasks.bom.formats import CYCLONEDX
from pystatic_tasks.config.convert import nearest
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.freeze.step import freeze
from pystatic_tasks.steps.image.step import build_image
from pystatic_tasks.steps.index.step import index
from pystatic_tasks.steps.pack.step import pack
from pystatic_tasks.steps.push.step import check as check_push
from pystatic_tasks.steps.push.step import push
from pystatic_tasks.steps.report.step import report
from pystatic_tasks.steps.report_page import CONTENTS
from pystatic_tasks.steps.resolve.step import resolve
from pystatic_tasks.steps.run.step import run
from pystatic_tasks.steps.sbom.step import sbom
from pystatic_tasks.steps.shell.step import shell
from pystatic_tasks.steps.slim.step import slim
from pystatic_tasks.steps.smoke.step import smoke
from pystatic_tasks.steps.step import Step

TABLE = (
    Step(
        name="freeze",
        description="Freeze {name} into one program.",
        run=freeze,
        needs_environment=True,
        in_container=True,
        is_folded=True,
    ),
    Step(
        name="slim",
        description="Record what {name} can do without.",
        run=slim,
        before="freeze",
        on_request=True,
        platforms="one",
    ),
    Step(
        name="staticx",
        description="Pack {name} into one static executable.",
        run=pack,
        before="freeze",
        in_container=True,
        is_folded=True,
    ),
    Step(
        name="image",
        description="Build the container image of {name}.",
        run=build_image,
        before="staticx",
        result_file="image.json",
    ),
    Step(
        name="smoke",
        description="Run the image of {name} and check its contract.",
        run=smoke,
        before="image",
        result_file="smoke.json",
    ),
    Step(
        name="run",
        description="Run the image of {name} until Ctrl-C ends it.",
        run=run,
        before="image",
        on_request=True,
        in_foreground=True,
        words_after="Words after -- are passed to the program instead of smoke.command.",
        platforms="one",
    ),
    Step(
        name="shell",
        description="Open a shell in a copy of the image of {name}.",
        run=shell,
        before="image",
        on_request=True,
        in_foreground=True,
        words_after="Words after -- are run there instead of a shell.",
    ),
    Step(
        name="sbom",
        description="Say what is inside the image of {name}.",
        run=sbom,
        before="image",
        result_file=CYCLONEDX,
    ),
    Step(
        name="report",
        description="Write the page that shows where the bytes of {name} are.",
        run=report,
        before="image",
        on_request=True,
        result_file=CONTENTS,
    ),
    Step(
        name="push",
        description="Push the image of {name} to registries.",
        run=push,
        check=check_push,
        before="image",
        on_request=True,
        platforms="all",
        result_file="push.json",
    ),
    Step(
        name="index",
        description="Join archives of {name} for several platforms, and push them.",
        run=index,
        on_request=True,
        platforms="all",
        result_file="index.json",
    ),
    Step(
        name="resolve",
        description="Print YAML with pystatic://NAME replaced by what was pushed.",
        run_for_project=resolve,
        before="push",
        on_request=True,
        platforms="all",
    ),
)
STEPS = {step.name: step for step in TABLE}


def steps_before(name: str) -> list[str]:
    """The steps before a step, nearest first."""
    before = STEPS[name].before
    return [before, *steps_before(before)] if before else []


def with_steps_before(names: Iterable[str]) -> set[str]:
    """The steps, and all steps before them."""
    return {each for name in names for each in (name, *steps_before(name))}


def check_steps(names: Iterable[str], place: str) -> None:
    """Raises ConfigError if one of the names, given in a call in `place`, is not a step."""
    for name in names:
        if name not in STEPS:
            raise unknown_step(name, place)


def unknown_step(name: str, place: str) -> ConfigError:
    return ConfigError(f'There is no step "{name}"; {nearest(name, STEPS)}', f"Correct the call in {place}.")
