"""How long each part of a start takes, from lines that a program writes while its imports are measured.

    start time: 5127 s 801345223 ns: unpacking
    start time: 5127 s 866012874 ns: interpreter
    start time: 5127 s 884350127 ns: program

The launcher writes when it starts to unpack, and when it becomes the interpreter; then Python writes when the program
itself starts. A tree has nothing to unpack. To measure imports, the script of a tree starts its interpreter a second
time, which is when the second line is written; the first start is assumed to have taken as long.

The clock is CLOCK_MONOTONIC, which containers share with their machine. If an engine has its own virtual machine,
as on a Mac, its clock differs: then the times are not between request and answer, and nothing is reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pystatic_tasks.steps.import_times import parse_imports, total_us
from pystatic_tasks.steps.results import PhaseName, StartPhase

LINE = re.compile(r"^start time: (\d{1,12}) s (\d{1,9}) ns: (\w+)$", re.MULTILINE)
PROGRAM = "program"


def parse_phases(output: str, begun_ns: int, answered_ns: int) -> tuple[StartPhase, ...]:
    """The parts of a start, in order; empty if they were not reported, or with another clock.

    Args:
        output: The program's output.
        begun_ns: When the engine was told to start it, in nanoseconds of `time.monotonic_ns`.
        answered_ns: When the first answer arrived.
    """
    times, rest = told(output)
    if not {"interpreter", PROGRAM} <= times.keys():
        return ()
    interpreter_ns = times[PROGRAM] - times["interpreter"]
    # For a tree: before its second start, which takes as long.
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
    """When each part began, in nanoseconds, and the output after the program itself had started."""
    times: dict[str, int] = {}
    rest = ""
    for line in LINE.finditer(output):
        if line[3] not in times:
            times[line[3]] = int(line[1]) * 10**9 + int(line[2])
            rest = output[line.end() :]
    return times, rest


def in_a_line(phases: tuple[StartPhase, ...]) -> str:
    return "until the first answer: " + ", ".join(f"{each.name} {each.us / 1000:.0f} ms" for each in phases)
