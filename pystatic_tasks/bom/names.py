"""Standard names for components, and for the people and organizations that make them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packageurl import PackageURL

from pystatic_tasks.in_env.protocol import Component

PARTY = re.compile(r"(?P<name>.*?)\s*<(?P<address>[^<>]*)>")
# Words in the names of groups but not of single persons; a name without spaces may be a mailing list.
GROUP = re.compile(
    r"\b(?:authors|community|consortium|contributors|corporation|council|developers|foundation|group|inc|llc|ltd|gmbh"
    r"|maintainers|organi[sz]ation|packagers|project|services|software|systems|team|university)\b|,|^\S+$",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Party:
    """A person or a group."""

    name: str
    address: str = ""

    @property
    def is_person(self) -> bool:
        """Whether it is a single person, judging by its name: SPDX distinguishes them, but metadata do not."""
        return not GROUP.search(self.name)


def party(text: str) -> Party | None:
    """The party that a component names, as "NAME <ADDRESS>" or either of them; None if it names none."""
    found = PARTY.fullmatch(text)
    if found and found["name"]:
        return Party(name=found["name"].strip('"'), address=found["address"])
    name = found["address"] if found else text
    return Party(name=name) if name else None


def package_url(component: Component) -> PackageURL:
    """Its package URL (https://github.com/package-url/purl-spec)."""
    return PackageURL(
        type=component.type,
        namespace=component.namespace or None,
        name=component.name,
        version=component.version or None,
        qualifiers=dict(component.qualifiers),
    )


def references(components: Iterable[Component]) -> list[str]:
    """A unique name for each component in a document: its package URL, with a number if others have the same."""
    found: list[str] = []
    for url in (str(package_url(each)) for each in components):
        count = sum(each.partition("#")[0] == url for each in found)
        found.append(f"{url}#{count + 1}" if count else url)
    return found


def source_of(component: Component) -> str:
    """The source of a Debian package, in the words that Trivy reads; "" for others."""
    name, version = component.upstream
    return f"built package from: {name} {version}" if component.type == "deb" else ""
