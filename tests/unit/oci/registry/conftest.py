"""What tests of several modules here share: servers that mean harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hostile import Hostile, hostile_server


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    with hostile_server() as made:
        yield made


@pytest.fixture
def other() -> Iterator[Hostile]:
    """Another one, at another port."""
    with hostile_server() as made:
        yield made
