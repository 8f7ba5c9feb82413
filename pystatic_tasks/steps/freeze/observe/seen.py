"""Imports the target and observes the program with plain Python, and combines the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.in_env.installed.elsewhere import moment
from pystatic_tasks.in_env.protocol import DataFile, Examined, Observed
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.data.own_changes import files_there, find_written
from pystatic_tasks.steps.freeze.data.own_data import without_written
from pystatic_tasks.steps.freeze.observe import observation
from pystatic_tasks.steps.freeze.observe.examination import examine_target, find_tools, observe_target
from pystatic_tasks.steps.meanwhile import State, states
from pystatic_tasks.steps.secrets.written import Written, remember, remembered


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The results of importing the target and observing the program.

    Attributes:
        examined: What the target needs, including what was observed; its data is without `left_out`.
        observed: What the program needed when it was observed.
        written: What both wrote, now and in earlier builds.
        left_out: Data that is left out because the program wrote it.
        states: What was at the paths that both accessed when they had ended; see `meanwhile.states`.
        is_whole: Whether observation was complete, with all services. What was missing may be there the next time:
            a service, a port, a program, or a machine that is less busy.
    """

    examined: Examined
    observed: Observed
    written: Written
    left_out: Sequence[DataFile]
    states: Mapping[str, State]
    is_whole: bool


def see_program(config: ImageConfig, context: StepContext) -> Seen:
    """Import the target, and observe the program unless that is disabled; remember what they write."""
    earlier = remembered(config)
    there, began = files_there(config, context.python, earlier), moment()
    changed: set[str] = set()
    try:
        with observation.with_services(config, context) as runs_whole:
            with context.terminal.activity(f"importing {config.app or config.script or config.command}"):
                tools_there = find_tools(config, context)
                examined = examine_target(config, context, tools_there.names)
            changed.update(examined.changed)
            observing = replace(context, observes=context.observes and runs_whole)
            observed = observe_target(config, observing, examined, tools_there, changed.update)
    finally:
        written = find_written(config, context.python, changed, there, earlier, began)
        remember(config, written)
    examined = observation.merged(examined, observed)
    data, left_out = without_written(config, examined.data, written)
    return Seen(
        examined=replace(examined, data=tuple(data)),
        observed=observed,
        written=written,
        left_out=left_out,
        states=states([*examined.read, *observed.read, *observed.libraries, *dict(data)]),
        is_whole=runs_whole and not observed.problem,
    )
