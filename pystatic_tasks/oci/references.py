"""Parses image references, by the grammar of https://github.com/distribution/reference."""

from __future__ import annotations

from dataclasses import dataclass

DOCKER_HUB = "docker.io"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A tag in a repository of a registry.

    Attributes:
        registry: Host, and port if it has one, as the user wrote it.
        repository: Such as "team/shop".
        tag: Such as "1.4".
    """

    registry: str
    repository: str
    tag: str

    @property
    def place(self) -> str:
        """Registry and repository, as the user would write them."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        return f"{self.place}:{self.tag}"


def names_registry(reference: str) -> bool:
    """Whether its first part is a host."""
    first, slash, _ = reference.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def parse_reference(text: str) -> Reference:
    """Parse a reference that has a registry and a tag."""
    registry, _, rest = text.partition("/")
    repository, _, tag = rest.partition(":")
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return Reference(registry=registry, repository=repository, tag=tag)
