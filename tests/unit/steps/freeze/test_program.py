from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.config.model import ImageOptions, Observe
from pystatic_tasks.steps.freeze.program import empty_home, environment_of_pyinstaller


def test_pyinstaller_gets_no_variables_of_the_caller_but_those_of_the_machine(
    shop: ImageConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_LEAN", "1")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("PATH", "/usr/bin")
    found = environment_of_pyinstaller(shop, Path("/env/bin/python"), Path("/empty"))
    assert "SHOP_LEAN" not in found
    assert (found["HOME"], found["PATH"]) == ("/empty", "/env/bin:/usr/bin")


def test_pyinstaller_has_an_empty_home_folder(shop: ImageConfig) -> None:
    with empty_home(shop) as home:
        assert home.is_relative_to(shop.work)
        (home / ".config").mkdir()
        # As after a build that was killed.
        with empty_home(shop) as again:
            assert (again, list(again.iterdir())) == (home, [])
    assert not home.exists()


def test_a_home_folder_that_the_configuration_names_is_pyinstallers_too(shop: ImageConfig) -> None:
    named = replace(shop, image=ImageOptions(env={"HOME": "/srv"}))
    assert environment_of_pyinstaller(named, Path("/env/bin/python"), Path("/empty"))["HOME"] == "/srv"


def test_pyinstaller_imports_packages_with_the_variables_of_the_target(
    shop: ImageConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "abc")
    image = ImageOptions(env={"SHOP_LEAN": "1", "PATH": "/bin", "PYTHONWARNINGS": "error"})
    named = replace(shop, image=image, observe=Observe(env={"SHOP_KEY": "$SHOP_KEY"}))
    found = environment_of_pyinstaller(named, Path("/env/bin/python"), Path("/empty"))
    assert (found["SHOP_LEAN"], found["SHOP_KEY"]) == ("1", "abc")
    assert found["PATH"].startswith("/env/bin:")
    assert found["PATH"] != "/env/bin:/bin"
    assert "PYTHONWARNINGS" not in found
