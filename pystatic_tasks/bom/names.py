"""What standards call components, and those who make them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packageurl import PackageURL

from pystatic_tasks.in_env.protocol import Component

PARTY = re.compile(r"(?P<name>.*?)\s*<(?P<address>[^<>]*)>")
# What the names of groups have in them, while those of one person do not; an address alone may be a list's.
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
        """Whether it is a single person, as far as a name tells: SPDX wants to know, and metadata do not say."""
        return not GROUP.search(self.name)


def party(text: str) -> Party | None:
    """Whom a component names, "NAME <ADDRESS>" or either of them; None for nobody."""
    found = PARTY.fullmatch(text)
    if found and found["name"]:
        return Party(name=found["name"].strip('"'), address=found["address"])
    name = found["address"] if found else text
    return Party(name=name) if name else None


def package_url(component: Component) -> PackageURL:
    """Its name in all languages' and systems' indexes of packages (https://github.com/package-url/purl-spec)."""
    return PackageURL(
        type=component.type,
        namespace=component.namespace or None,
        name=component.name,
        version=component.version or None,
        qualifiers=dict(component.qualifiers),
    )


def references(components: Iterable[Component]) -> list[str]:
    """A name for each component in a document: its URL, with a number where others have the same."""
    found: list[str] = []
    for url in (str(package_url(each)) for each in components):
        count = sum(each.partition("#")[0] == url for each in found)
        found.append(f"{url}#{count + 1}" if count else url)
    return found


def source_of(component: Component) -> str:
    """Of which source a Debian package was made, in the words that Trivy reads; "" for others."""
    name, version = component.upstream
    return f"built package from: {name} {version}" if component.type == "deb" else ""
