from __future__ import annotations

from pystatic_tasks.steps.tools import names_of, tool_requirements


def test_the_names_of_requirements_stand_without_what_follows() -> None:
    assert names_of(["a==1.0", "B.c>=2,<3", "d[e]==1; python_version > '3'", "f"]) == ["a", "B.c", "d", "f"]


def test_tools_are_pinned() -> None:
    assert [each for each in tool_requirements() if "==" not in each] == []
