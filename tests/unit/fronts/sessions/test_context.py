from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest
from nox_sessions import Session

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.config.options import parse_options
from pystatic_tasks.fronts.sessions.context import make_context


@pytest.mark.parametrize(("words", "silent"), [([], True), (["--verbose"], False)])
def test_the_host_installs_through_nox_and_shows_what_is_asked_for(
    image: ImageConfig, words: list[str], silent: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session()
    context = make_context(session.nox, image, parse_options(words))
    context.install(["falcon", "gunicorn"])
    context.say("done")
    assert (session.installed, session.lines) == ([(("falcon", "gunicorn"), silent)], ["done"])
    assert (context.verbose, context.use_cache, context.python) == (not silent, True, Path("/environment/bin/python"))
    shown = "" if silent else "Looking in indexes: https://***@index.example/simple\n"
    assert capsys.readouterr() == ("", shown)


def test_without_an_environment_the_host_has_noxs_own_interpreter(image: ImageConfig) -> None:
    context = make_context(Session(venv_backend="none").nox, image, parse_options(["--no-cache"]))
    assert (context.python, context.use_cache) == (Path(sys.executable), False)


def test_the_host_knows_what_the_environment_is_made_from(image: ImageConfig) -> None:
    session = Session()
    own = f"{sys.base_prefix} {platform.python_version()}"
    assert make_context(session.nox, image, parse_options([])).wanted_python == own
    session.python = "3.99"
    assert make_context(session.nox, image, parse_options([])).wanted_python == "3.99"
    session.python = sys.executable
    assert make_context(session.nox, image, parse_options([])).wanted_python == own


@pytest.mark.parametrize(
    ("no_install", "reused", "installs"), [(False, True, True), (True, True, False), (True, False, True)]
)
def test_with_no_install_only_a_new_environment_is_filled(
    image: ImageConfig, no_install: bool, reused: bool, installs: bool
) -> None:
    session = Session()
    session._runner.global_config.no_install = no_install
    session.virtualenv._reused = reused
    assert make_context(session.nox, image, parse_options([])).installs is installs
