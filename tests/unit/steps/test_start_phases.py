from __future__ import annotations

import pytest

from pystatic_tasks.steps.results import StartPhase
from pystatic_tasks.steps.start_phases import in_a_line, parse_phases

BEGUN = 5_000_000_000_000
UNPACKING = "start time: 5000 s 40000000 ns: unpacking\n"
INTERPRETER = "start time: 5000 s 100000000 ns: interpreter\n"
PROGRAM = "start time: 5000 s 120000000 ns: program\n"
OWN = "import time:      9000 |       9000 | encodings\n"
IMPORTS = "import time:     20000 |      20000 |   shop.models\nimport time:      5000 |      25000 | shop\n"
LAUNCHED = UNPACKING + INTERPRETER + OWN + PROGRAM + IMPORTS


def phases(output: str, answered_ms: int = 200) -> dict[str, float]:
    return {each.name: each.us / 1000 for each in parse_phases(output, BEGUN, BEGUN + answered_ms * 10**6)}


def test_one_part_comes_after_the_other_and_together_they_are_the_start() -> None:
    found = phases(LAUNCHED)
    assert found == {"container": 40, "unpacking": 60, "interpreter": 20, "imports": 25, "server": 55}
    assert sum(found.values()) == 200


def test_a_tree_unpacks_nothing_and_its_first_interpreter_is_left_out() -> None:
    assert phases(INTERPRETER + OWN + PROGRAM + IMPORTS) == {
        "container": 80,
        "interpreter": 20,
        "imports": 25,
        "server": 55,
    }


def test_a_program_that_starts_itself_again_is_told_of_once() -> None:
    again = LAUNCHED.replace(" 5000 s ", " 5001 s ")
    assert phases(LAUNCHED + again.replace("import time", "imported")) == phases(LAUNCHED)


@pytest.mark.parametrize(
    "output",
    [
        "",
        OWN + IMPORTS,
        UNPACKING + INTERPRETER + OWN,
        # The clock of another machine, which was started before this one, or after it.
        LAUNCHED.replace(" 5000 s ", " 7000 s "),
        LAUNCHED.replace(" 5000 s ", " 3000 s "),
        # More imports than there is time for, by several processes side by side.
        LAUNCHED + IMPORTS * 4,
    ],
)
def test_what_is_not_told_by_the_same_clock_is_not_said(output: str) -> None:
    assert phases(output) == {}


def test_the_parts_are_said_in_a_line() -> None:
    found = (StartPhase(name="container", us=40_400), StartPhase(name="unpacking", us=59_600))
    assert in_a_line(found) == "until the first answer: container 40 ms, unpacking 60 ms"
