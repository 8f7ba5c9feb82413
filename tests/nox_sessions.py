"""A project, noxfiles, and a running session that writes down what it is asked, for tests of the Nox front."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, TextIO, cast

import nox
import pytest
from nox import registry

from pystatic_tasks.fronts.sessions.registration import register

SHOP = '[project]\nname = "shop"\n[tool.pystatic-tasks]\napp = "shop:app"\n'
TWO = """
[tool.pystatic-tasks.images.web]
app = "shop:app"
[tool.pystatic-tasks.images.worker]
script = "worker.py"
"""
NOXFILE = """
import nox
import pystatic_tasks

@nox.session(venv_backend="none")
def tests(session):
    print("tests ran")

pystatic_tasks.register()

if __name__ == "__main__":
    nox.main()
"""


Nox = Callable[..., subprocess.CompletedProcess[str]]


def write(folder: Path, text: str = SHOP, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    return folder


def variables_with(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    return {**kept, "NO_COLOR": "1", **variables}


def requirements() -> dict[str, list[str]]:
    """The registered sessions, with what each requires."""
    return {name: each.requires for name, each in registry.get().items()}


def refused(capsys: pytest.CaptureFixture[str], **arguments: Any) -> str:
    """What is printed when `register()` ends Nox."""
    with pytest.raises(SystemExit) as caught:
        register(**arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err


class AbortedError(Exception):
    """What the sessions below raise where Nox's own would end."""


class Virtualenv:
    """The environment of a session, which counts how often it was made."""

    reuse_existing = True
    made_anew = 0
    _reused = True

    def create(self) -> None:
        self.made_anew += not self.reuse_existing


class Session:
    """A running session that writes down what is asked of Nox."""

    def __init__(self, *posargs: str, venv_backend: str = "virtualenv", install_only: bool = False) -> None:
        self.posargs = posargs
        self.venv_backend = venv_backend
        self.bin = "/environment/bin"
        self.python: str | None = None
        self.lines: list[str] = []
        self.installed: list[tuple[tuple[str, ...], bool]] = []
        self.variables: Mapping[str, str] = {}
        self.virtualenv = Virtualenv()
        self._runner = SimpleNamespace(
            name="freeze",
            func=SimpleNamespace(venv_backend=venv_backend),
            global_config=SimpleNamespace(
                no_install=False, install_only=install_only, color=False, force_venv_backend=None
            ),
            manifest=SimpleNamespace(list_all_sessions=list),
        )

    def log(self, line: str) -> None:
        self.lines.append(line)

    def error(self, text: str) -> NoReturn:
        raise AbortedError(text)

    def install(
        self, *arguments: str, env: Mapping[str, str], silent: bool = True, stdout: TextIO | None = None
    ) -> None:
        # Nox refuses both and, unless it is told otherwise, is silent.
        assert silent is (stdout is None)
        if stdout:
            print("Looking in indexes: https://me:secret@index.example/simple", file=stdout)
        assert Path(env["DIST_EXTRA_CONFIG"]).is_file()
        self.variables = env
        self.installed.append((arguments, silent))

    @property
    def nox(self) -> nox.Session:
        return cast("nox.Session", self)
