"""Some of the programs that nobody wrote for this, in both layouts; `nox -s strangers` tries them all."""

from __future__ import annotations

import pytest
from support import EVERYWHERE, tool_or_skip

from bench.stranger import read_strangers
from bench.strangers import LAYOUTS, build

# A job queue with threads of its own, and where there is time a service: quick to install, on any Python.
SOME = ["httpbin", "huey"] if EVERYWHERE else ["huey"]


@pytest.mark.parametrize("name", SOME)
def test_it_works_at_once(name: str) -> None:
    tool_or_skip("uv")
    [one] = [each for each in read_strangers() if each.name == name]
    results = build(one, LAYOUTS)
    assert [(each.layout, each.message) for each in results if not each.works] == []
