from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pystatic_tasks.fronts.container import enter


def test_an_environment_that_is_there_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "")
    question = tmp_path / "question.json"
    question.write_text(json.dumps({"requirements": ["nox"], "variables": {"SHOP_TOKEN": "secret"}}), encoding="utf-8")
    python = tmp_path / "tools/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$SHOP_TOKEN $@" > {tmp_path}/called\nexit 4\n', encoding="utf-8")
    python.chmod(0o755)
    marker = tmp_path / "tools/pystatic-installed.json"
    marker.write_text(json.dumps([sys.version, ["nox"]]), encoding="utf-8")
    assert enter.main(str(question), str(tmp_path), "/package") == 4
    assert (tmp_path / "called").read_text(encoding="utf-8") == "secret -m pystatic_tasks.fronts.container.inside\n"
