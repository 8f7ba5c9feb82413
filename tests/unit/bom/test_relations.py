from __future__ import annotations

from pystatic_tasks.bom.relations import contents, requirements
from pystatic_tasks.in_env.protocol import Component


def test_distributions_need_each_other_by_their_metadata(components: list[Component]) -> None:
    names = [each.name for each in components]
    needs = {names[number]: [names[each] for each in needed] for number, needed in enumerate(requirements(components))}
    assert {name: needed for name, needed in needs.items() if needed} == {"shop": ["Big_Dep"]}


def test_what_is_built_in_is_inside_of_its_distribution(components: list[Component]) -> None:
    names = [each.name for each in components]
    inside = {names[number]: [names[each] for each in found] for number, found in enumerate(contents(components))}
    assert {name: found for name, found in inside.items() if found} == {"Big_Dep": ["libm"]}


def test_nothing_needs_itself() -> None:
    assert requirements([Component(kind="distribution", type="pypi", name="x", requires=("x", "nowhere"))]) == [[]]
