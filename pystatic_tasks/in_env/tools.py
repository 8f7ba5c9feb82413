"""Finds the installed distributions that are only build tools.

This is a question of its own because it needs the build environment's `packaging`, and the project may have a module
of that name.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from .exchange import respond
from .installed.distributions import installed_distributions
from .installed.layer_assignment import is_local
from .protocol import ToolNames

Installed = Mapping[NormalizedName, importlib.metadata.Distribution]


def find_tools(tools: ToolNames) -> ToolNames:
    installed = installed_distributions()
    names = tool_names(tools.names, installed, (*tools.asked, *tools.of_groups))
    both = tool_names((*tools.names, *tools.of_groups), installed, tools.asked)
    return ToolNames(names=names, of_groups=tuple(name for name in both if name not in names))


def tool_names(
    tools: Iterable[str], distributions: Iterable[importlib.metadata.Distribution], asked: Iterable[str] = ()
) -> tuple[str, ...]:
    """The names of the tools and their requirements that nothing else requires, sorted.

    Args:
        tools: Names of the tools that were installed.
        distributions: All installed distributions.
        asked: What is required although no distribution requires it, as requirements.
    """
    installed = {canonicalize_name(each.metadata["Name"]): each for each in distributions}
    only_tools = closure(((name, "") for name in tools), installed)
    others = [name for name in installed if name not in only_tools]
    by_others = ((name, each) for name in others for each in ("", *extras_there(name, installed, only_tools)))
    by_name = ((each.name, extra) for each in map(Requirement, asked) for extra in ("", *each.extras))
    needed = closure([*by_others, *by_name], installed)
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


def extras_there(name: NormalizedName, installed: Installed, only_tools: Container[NormalizedName]) -> list[str]:
    """The extras that may have been requested, which is not recorded: those whose requirements are all installed.

    An extra that only tools fulfil was not, unless it is one of a project on this machine.
    """
    distribution = installed[name]
    is_own = is_local(distribution)

    def is_there(extra: str) -> bool:
        names = [canonicalize_name(each.name) for each in required(distribution, extra)]
        return all(each in installed for each in names) and (is_own or any(each not in only_tools for each in names))

    return list(filter(is_there, distribution.metadata.get_all("Provides-Extra") or []))


def main(question: Path, answer: Path) -> None:
    respond(ToolNames, find_tools, question, answer)
