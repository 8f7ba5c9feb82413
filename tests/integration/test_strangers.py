"""Some of the programs that nobody wrote for this, in both layouts; `nox -s strangers` tries them all."""

from __future__ import annotations

import pytest
from support import tool_or_skip

from bench.stranger import read_strangers
from bench.strangers import LAYOUTS, build

# A service, two servers of their own, a package index, a job queue, a formatter: the quickest to install.
SOME = ["black", "httpbin", "huey", "hypercorn", "pypiserver", "tornado"]


@pytest.mark.parametrize("name", SOME)
def test_it_works_at_once(name: str) -> None:
    tool_or_skip("uv")
    [one] = [each for each in read_strangers() if each.name == name]
    results = build(one, LAYOUTS)
    assert [(each.layout, each.message) for each in results if not each.works] == []
