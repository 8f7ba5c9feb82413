"""Finds what is missing in the records of components, for auditors.

The elements are those of NTIA's "The Minimum Elements For a Software Bill of Materials" (2021) and of CISA's "Framing
Software Component Transparency" (2024).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pystatic_tasks.bom.components import LICENSES, VENDOR
from pystatic_tasks.in_env.protocol import Component

ELEMENTS: Mapping[str, Callable[[Component], object]] = {
    "version": lambda each: each.version,
    "supplier": lambda each: each.supplier,
    "licence": lambda each: each.licenses,
    "copyright": lambda each: each.copyright,
}
MOST_NAMES = 5


def gaps(components: Sequence[Component]) -> Iterator[str]:
    """One line for each element that some component lacks, and what to do if the project lacks it."""
    for element, read in ELEMENTS.items():
        names = [each.name for each in components if not read(each)]
        if names:
            yield f"{element} unknown: {listed(names)}"
    for project in (each for each in components if each.kind == "project"):
        if not project.supplier:
            yield f"Set the supplier of {project.name} as authors in [project], or as {VENDOR} in image.labels."
        if not project.licenses:
            yield f"Set the licence of {project.name} as license in [project], or as {LICENSES} in image.labels."
    for each in components:
        if each.unread:
            yield f"{each.name} brings {listed(each.unread)}, not read: neither CycloneDX nor SPDX 2 in JSON"


def listed(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
