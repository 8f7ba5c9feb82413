"""How long each part of a start takes, by what a program tells where its imports are measured.

    start time: 5127 s 801345223 ns: unpacking
    start time: 5127 s 866012874 ns: interpreter
    start time: 5127 s 884350127 ns: program

The launcher says when it began to unpack, and when it became the interpreter; then Python says when the program itself
begins. A tree has nothing to unpack. Its interpreter is told only by the script that it starts to measure imports: so
it starts once more, which is when the second line comes, and the first time is taken to have been as long as that.

The clock is CLOCK_MONOTONIC, which the containers of a machine share with it. Where an engine has a machine of its own,
as on a Mac, it is another: then times are not between those of the question and the answer, and nothing is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pystatic_tasks.steps.import_times import parse_imports, total_us
from pystatic_tasks.steps.results import PhaseName, StartPhase

LINE = re.compile(r"^start time: (\d{1,12}) s (\d{1,9}) ns: (\w+)$", re.MULTILINE)
PROGRAM = "program"


def parse_phases(output: str, begun_ns: int, answered_ns: int) -> tuple[StartPhase, ...]:
    """The parts of a start, in order; nothing if they are not told, or by another clock.

    Args:
        output: All that the program wrote.
        begun_ns: When the engine was asked to start it, in nanoseconds of `time.monotonic_ns`.
        answered_ns: When the first answer was there.
    """
    times, rest = told(output)
    if not {"interpreter", PROGRAM} <= times.keys():
        return ()
    interpreter_ns = times[PROGRAM] - times["interpreter"]
    # Of a tree, as long as the interpreter takes once more.
    unpacking = times.get("unpacking", times["interpreter"] - interpreter_ns)
    imports_ns = total_us(parse_imports(rest)) * 1000
    found: dict[PhaseName, int] = {"container": unpacking - begun_ns}
    if "unpacking" in times:
        found["unpacking"] = times["interpreter"] - unpacking
    found["interpreter"] = interpreter_ns
    found["imports"] = imports_ns
    found["server"] = answered_ns - times[PROGRAM] - imports_ns
    if min(found.values()) < 0:
        return ()
    return tuple(StartPhase(name=name, us=ns // 1000) for name, ns in found.items())


def told(output: str) -> tuple[Mapping[str, int], str]:
    """When each part began, in nanoseconds; and what was written once the program itself had begun."""
    times: dict[str, int] = {}
    rest = ""
    for line in LINE.finditer(output):
        if line[3] not in times:
            times[line[3]] = int(line[1]) * 10**9 + int(line[2])
            rest = output[line.end() :]
    return times, rest


def in_a_line(phases: tuple[StartPhase, ...]) -> str:
    return "until the first answer: " + ", ".join(f"{each.name} {each.us / 1000:.0f} ms" for each in phases)
