from __future__ import annotations

import pytest

from pystatic_tasks.oci.references import Reference, names_registry, parse_reference


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag"),
    [
        ("registry.example/shop:1.4", "registry.example", "shop", "1.4"),
        ("registry.example:5000/team/shop:latest", "registry.example:5000", "team/shop", "latest"),
        ("localhost/my.team/shop:1", "localhost", "my.team/shop", "1"),
        ("docker.io/me/shop:1", "docker.io", "me/shop", "1"),
        ("docker.io/shop:1", "docker.io", "library/shop", "1"),
    ],
)
def test_a_reference_is_a_tag_in_a_repository_of_a_registry(
    text: str, registry: str, repository: str, tag: str
) -> None:
    assert parse_reference(text) == Reference(registry=registry, repository=repository, tag=tag)


def test_it_is_shown_as_it_was_written() -> None:
    reference = parse_reference("registry.example:5000/team/shop:1.4")
    assert (str(reference), reference.place) == (
        "registry.example:5000/team/shop:1.4",
        "registry.example:5000/team/shop",
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("registry.example/shop:1", True),
        ("registry:5000/shop:1", True),
        ("localhost/shop:1", True),
        ("team/shop:1", False),
        ("shop:1.4", False),
    ],
)
def test_only_a_host_before_the_first_slash_is_a_registry(text: str, names: bool) -> None:
    assert names_registry(text) is names
