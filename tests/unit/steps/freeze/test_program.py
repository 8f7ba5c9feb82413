from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.steps.freeze.program import environment_of_pyinstaller


def test_pyinstaller_gets_no_variables_of_the_caller_but_those_of_the_machine(
    shop: ImageConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_LEAN", "1")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("PATH", "/usr/bin")
    found = environment_of_pyinstaller(shop, Path("/env/bin/python"))
    assert "SHOP_LEAN" not in found
    assert (found["HOME"], found["PATH"]) == ("/home/me", "/env/bin:/usr/bin")
