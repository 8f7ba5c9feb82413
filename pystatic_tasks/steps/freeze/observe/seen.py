"""What the program shows as an ordinary Python: when its target is imported, and when it is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.in_env.installed.elsewhere import moment
from pystatic_tasks.in_env.protocol import DataFile, Examined, Observed
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.data.own_changes import files_there, find_written
from pystatic_tasks.steps.freeze.data.own_data import without_written
from pystatic_tasks.steps.freeze.observe import observation
from pystatic_tasks.steps.freeze.observe.examination import examine_target, find_tools, observe_target
from pystatic_tasks.steps.secrets.written import Written, remember, remembered


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen.

    Attributes:
        examined: What the target showed, with what the program needed beside it; of data what goes in.
        observed: What the program showed.
        written: What both wrote, now and earlier.
        left_out: Data that does not go in, since it was written so.
        is_whole: Whether it was observed to its end, with all its services. What was missing may be there the next
            time: a service, a port, a program, or a machine that is less busy.
    """

    examined: Examined
    observed: Observed
    written: Written
    left_out: Sequence[DataFile]
    is_whole: bool


def see_program(config: ImageConfig, context: StepContext) -> Seen:
    """Import the target, and observe the program unless that is not wanted; what they write is remembered."""
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
        is_whole=runs_whole and not observed.problem,
    )
