from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pystatic_tasks.steps.freeze.install.installers import (
    builds_as_usual,
    pip_settings,
    uv_there,
    variables_for_uv,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def variables(home: Path, **more: str) -> dict[str, str]:
    """Those of a user whose machine has no settings for all."""
    return {"HOME": str(home), "XDG_CONFIG_DIRS": str(home / "none"), **more}


def pip_conf(home: Path, text: str, place: str = ".config/pip") -> None:
    (home / place).mkdir(parents=True)
    (home / place / "pip.conf").write_text(text, encoding="utf-8")


def test_settings_of_pip_are_those_of_its_files_and_then_of_the_variables(home: Path) -> None:
    pip_conf(home, "[global]\nindex-url = https://old\ntimeout = 9\n[list]\nformat = json\n", ".pip")
    pip_conf(home, "[global]\nindex-url = https://user\n[install]\nfind-links =\n  /a\n  /b\n")
    named = home / "named.conf"
    named.write_text("[global]\nextra-index-url = https://named\n", encoding="utf-8")
    found = pip_settings(variables(home, PIP_CONFIG_FILE=str(named), PIP_TIMEOUT="3", PIP_PRE="", UV_X="1"))
    assert (found["index-url"], found["timeout"], found["find-links"].split(), found["extra-index-url"]) == (
        *("https://user", "3"),
        *(["/a", "/b"], "https://named"),
    )
    assert found.keys().isdisjoint({"format", "pre", "x"})
    assert pip_settings(variables(home, PIP_CONFIG_FILE=os.devnull)) == {"config-file": os.devnull}


def test_a_file_that_pip_cannot_read_says_nothing(home: Path) -> None:
    pip_conf(home, "index-url = https://nowhere\n")
    assert "index-url" not in pip_settings(variables(home))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {}),
        ({"PIP_NO_CACHE_DIR": "1", "PIP_ROOT_USER_ACTION": "ignore"}, {}),
        ({"PIP_INDEX_URL": "https://me:secret@index"}, {"UV_DEFAULT_INDEX": "https://me:secret@index"}),
        (
            {"PIP_EXTRA_INDEX_URL": "https://a\n https://b"},
            {"UV_INDEX": "https://a https://b", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        ({"PIP_FIND_LINKS": "/a /b"}, {"UV_FIND_LINKS": "/a,/b"}),
        ({"PIP_CERT": "/ca.pem", "SSL_CERT_FILE": "/own.pem"}, {"SSL_CERT_FILE": "/own.pem"}),
        ({"PIP_CONSTRAINT": "c.txt", "PIP_TRUSTED_HOST": "h"}, {"UV_CONSTRAINT": "c.txt", "UV_INSECURE_HOST": "h"}),
        ({"PIP_ONLY_BINARY": ":all:"}, None),
        ({"PIP_INDEX_URL": "https://a", "PIP_KEYRING_PROVIDER": "import"}, None),
        ({"PIP_ONLY_BINARY": ":all:", "UV_DEFAULT_INDEX": "https://a"}, {}),
    ],
)
def test_uv_is_told_what_pip_was_told(home: Path, settings: dict[str, str], expected: dict[str, str] | None) -> None:
    environment = variables(home, **{"PIP_CONFIG_FILE": os.devnull, **settings})
    assert variables_for_uv(environment, home) == expected


@pytest.mark.parametrize(
    ("file", "text", "is_set_up"),
    [
        (".config/uv/uv.toml", 'index-url = "https://own"\n', True),
        ("shop/uv.toml", '[[index]]\nurl = "https://own"\n', True),
        ("shop/uv.toml", "offline = false\n", False),
        ("pyproject.toml", '[[tool.uv.index]]\nurl = "https://own"\n', True),
        ("shop/pyproject.toml", "[tool.uv]\npackage = false\n", False),
        ("shop/pyproject.toml", "tool = 1\n", False),
        ("shop/pyproject.toml", "[", False),
    ],
)
def test_a_uv_that_has_been_told_itself_is_told_nothing_of_pip(
    home: Path, file: str, text: str, is_set_up: bool
) -> None:
    for path in (home / file, home / "shop" / "x"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    environment = variables(home, PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS="/wheels")
    expected = {} if is_set_up else {"UV_FIND_LINKS": "/wheels"}
    assert variables_for_uv(environment, home / "shop") == expected


@pytest.mark.parametrize(
    ("file", "text", "is_usual"),
    [
        ("uv.toml", "", True),
        ("uv.toml", "no-build-isolation = true\n", False),
        ("uv.toml", "pip = 3\n", True),
        ("pyproject.toml", '[tool.uv]\nbuild-constraint-dependencies = ["hatchling<2"]\n', False),
        ("pyproject.toml", "[tool.uv.pip]\nno-build-isolation-package = ['x']\n", False),
        ("pyproject.toml", "[tool.uv]\nconfig-settings = { a = 'b' }\n", False),
        ("pyproject.toml", "[tool.uv]\nno-binary = true\n", True),
        ("pyproject.toml", "[tool.uv.sources]\nhatchling = { path = '../hatchling' }\n", False),
        ("pyproject.toml", "[tool.uv]\noverride-dependencies = ['hatchling<2']\n", False),
    ],
)
def test_what_uv_is_told_of_builds_is_known(home: Path, file: str, text: str, is_usual: bool) -> None:
    (home / file).write_text(text, encoding="utf-8")
    assert builds_as_usual(variables(home, PIP_CONFIG_FILE=os.devnull), home) is is_usual


@pytest.mark.parametrize(
    ("name", "is_usual"),
    [
        ("PIP_NO_BUILD_ISOLATION", False),
        ("PIP_BUILD_CONSTRAINT", False),
        ("PIP_CONSTRAINT", False),
        ("UV_CONSTRAINT", False),
        ("UV_BUILD_CONSTRAINT", False),
        ("UV_NO_BUILD_ISOLATION", False),
        ("PIP_INDEX_URL", True),
        ("UV_INDEX", True),
    ],
)
def test_what_variables_say_of_builds_is_known(home: Path, name: str, is_usual: bool) -> None:
    environment = {**variables(home, PIP_CONFIG_FILE=os.devnull), name: "1"}
    assert builds_as_usual(environment, home) is is_usual


def put_uv(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_uv_is_that_beside_python_or_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/bin/python"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert uv_there() is None
    on_path = put_uv(tmp_path / "bin/uv")
    assert uv_there() == str(on_path)
    beside = put_uv(tmp_path / "venv/bin/uv")
    assert uv_there() == str(beside)
    named = put_uv(tmp_path / "named/uv-0.13")
    monkeypatch.setenv("UV", str(named))
    assert uv_there() == str(named)
