"""Finds the installed distributions that are only build tools.

This is a question of its own because it needs the build environment's `packaging`, and the project may have a module
of that name.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from .exchange import respond
from .protocol import ToolNames

Installed = Mapping[NormalizedName, importlib.metadata.Distribution]


def find_tools(tools: ToolNames) -> ToolNames:
    installed = list(importlib.metadata.distributions())
    names = tool_names(tools.names, installed)
    both = tool_names((*tools.names, *tools.of_groups), installed)
    return ToolNames(names=names, of_groups=tuple(name for name in both if name not in names))


def tool_names(tools: Iterable[str], distributions: Iterable[importlib.metadata.Distribution]) -> tuple[str, ...]:
    """The names of the tools and their requirements that nothing else requires, sorted.

    Args:
        tools: Names of the tools that were installed.
        distributions: All installed distributions.
    """
    installed = {canonicalize_name(each.metadata["Name"]): each for each in distributions}
    only_tools = closure(((name, "") for name in tools), installed)
    others = [name for name in installed if name not in only_tools]
    needed = closure(((name, extra) for name in others for extra in ("", *extras_there(name, installed))), installed)
    return tuple(sorted(installed[name].metadata["Name"] for name in only_tools - needed))


def closure(wanted: Iterable[tuple[str, str]], installed: Installed) -> set[NormalizedName]:
    """The installed ones of these distributions, each with an extra or "", and all installed ones they require."""
    seen: set[tuple[NormalizedName, str]] = set()
    todo = [(canonicalize_name(name), extra) for name, extra in wanted]
    while todo:
        name, extra = todo.pop()
        if name not in installed or (name, extra) in seen:
            continue
        seen.add((name, extra))
        for requirement in required(installed[name], extra):
            todo += [(canonicalize_name(requirement.name), each) for each in ("", *requirement.extras)]
    return {name for name, _ in seen}


def required(distribution: importlib.metadata.Distribution, extra: str) -> list[Requirement]:
    """The requirements of a distribution with one extra, or "" for none."""
    requirements = map(Requirement, distribution.requires or ())
    return [each for each in requirements if each.marker is None or each.marker.evaluate({"extra": extra})]


def extras_there(name: NormalizedName, installed: Installed) -> list[str]:
    """The extras whose requirements are all installed; which extras were requested is not recorded."""
    distribution = installed[name]
    extras = distribution.metadata.get_all("Provides-Extra") or []
    return [
        extra
        for extra in extras
        if all(canonicalize_name(each.name) in installed for each in required(distribution, extra))
    ]


def main(question: Path, answer: Path) -> None:
    respond(ToolNames, find_tools, question, answer)
