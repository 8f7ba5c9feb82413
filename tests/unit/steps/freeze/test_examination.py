from __future__ import annotations

from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.in_env.protocol import ToolNames
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze import examination

from .conftest import Environment


def test_tools_are_looked_for_when_other_distributions_are_there(
    shop: ImageConfig, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = environment.folder / "lib/python3.12/site-packages"
    answers = iter(ToolNames(names=(name,)) for name in ("first", "second", "third", "fourth"))

    def look(config: ImageConfig, context: StepContext, named: ToolNames) -> ToolNames:
        return next(answers)

    def found(*, use_cache: bool = True) -> str:
        return examination.find_tools(shop, environment.context(use_cache=use_cache)).names[0]

    monkeypatch.setattr(examination, "look_for_tools", look)
    install_distribution(site, "falcon", "falcon.py")
    assert [found(), found()] == ["first", "first"]
    install_distribution(site, "redis", "redis.py")
    assert [found(), found()] == ["second", "second"]
    assert [path.name for path in Path(shop.work, "kept").iterdir()] == ["tools"]
    assert found(use_cache=False) == "third"
    monkeypatch.setattr(examination, "made_by", lambda: ["newer"])
    assert found() == "fourth"
