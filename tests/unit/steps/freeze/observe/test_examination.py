from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.config.model import ImageOptions
from pystatic_tasks.in_env.protocol import ToolNames
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.observe import examination

from ..conftest import Environment


def test_tools_are_looked_for_when_other_distributions_are_there(
    shop: ImageConfig, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = environment.folder / "lib/python3.12/site-packages"
    answers = iter(ToolNames(names=(name,)) for name in ("first", "second", "third", "fourth", *map(str, range(5))))

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
    (kept,) = Path(shop.work, "kept/tools").iterdir()
    for number, damaged in enumerate((b"", b"{}", b'{"names": [1], "of_groups": []}', b"\xff", b"[" * 100_000)):
        kept.write_bytes(damaged)
        assert [found(), found()] == [str(number)] * 2


def test_what_is_declared_is_written_down_without_credentials_in_urls(shop: ImageConfig) -> None:
    tables = """
[project]
description = "see https://me:sesame@host.example/"
[[tool.uv.index]]
url = "https://me:sesame@host.example/simple"
[tool.uv.sources]
falcon = { url = "https://me:sesame@host.example/falcon.whl" }
[tool.x]
"https://me:sesame@host.example/" = ["git+https://sesame@host.example/x.git", 1, 2020-01-02]
"""
    (shop.root / "pyproject.toml").write_text(tables, encoding="utf-8")
    image = replace(shop, image=ImageOptions(env={"DATABASE": "postgres://me:sesame@host.example/"}))
    path = examination.write_declared(image, shop.root, [shop.root / "pyproject.toml"])
    *_, env, others = json.loads(path.read_text(encoding="utf-8"))
    assert env == {"DATABASE": "postgres://***@host.example/"}
    assert others == {
        "project": {"description": "see https://***@host.example/"},
        "tool": {
            "uv": {
                "index": [{"url": "https://***@host.example/simple"}],
                "sources": {"falcon": {"url": "https://***@host.example/falcon.whl"}},
            },
            "x": {"https://***@host.example/": ["git+https://***@host.example/x.git", 1, str(date(2020, 1, 2))]},
        },
    }
