"""The relations of components: which ones need which, and which are built into which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from packaging.utils import canonicalize_name

from pystatic_tasks.in_env.protocol import Component

OF_PYTHON = ("project", "distribution")


def requirements(components: Sequence[Component]) -> list[list[int]]:
    """For each component, those that its metadata require, by their numbers in the sequence."""
    names = numbers_by_name(components)
    return [
        [names[each] for each in component.requires if names.get(each, number) != number]
        for number, component in enumerate(components)
    ]


def contents(components: Sequence[Component]) -> list[list[int]]:
    """For each component, those that are built into it, by their numbers in the sequence."""
    names = numbers_by_name(components)
    found: list[list[int]] = [[] for _ in components]
    for number, component in enumerate(components):
        for owner in component.inside:
            if canonicalize_name(owner) in names:
                found[names[canonicalize_name(owner)]].append(number)
    return found


def numbers_by_name(components: Sequence[Component]) -> Mapping[str, int]:
    return {canonicalize_name(each.name): number for number, each in enumerate(components) if each.kind in OF_PYTHON}
