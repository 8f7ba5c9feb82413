from __future__ import annotations

import runpy
import subprocess
import sys

import pytest
from support import REPOSITORY

import pystatic_tasks
from pystatic_tasks import errors


@pytest.mark.parametrize("statement", ["import pystatic_tasks", "from pystatic_tasks import ConfigError, load_config"])
def test_nox_is_not_loaded_before_a_session_is_wanted(statement: str) -> None:
    code = f"import sys; {statement}; print(sorted(name for name in sys.modules if name.partition('.')[0] == 'nox'))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    assert result.stdout == "[]\n"


def test_every_public_name_is_there() -> None:
    for name in pystatic_tasks.__all__:
        assert getattr(pystatic_tasks, name) is not None
    assert dir(pystatic_tasks) == sorted(pystatic_tasks.__all__)


def test_every_error_is_public() -> None:
    kinds: list[type[Exception]] = [errors.PystaticError, *errors.PystaticError.__subclasses__()]
    assert all(getattr(pystatic_tasks, kind.__name__) is kind for kind in kinds)


def test_an_unknown_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'pystatic_tasks' has no attribute 'registre'$"):
        pystatic_tasks.registre  # noqa: B018


def test_a_nox_without_us_is_told_what_to_type_in_this_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pystatic_tasks", None)
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(REPOSITORY / "noxfile.py"))
    assert caught.value.code == (
        "This Nox has no pystatic-tasks beside it: on Linux type ./nox.sh instead of nox, "
        "elsewhere install it beside Nox: pip install -e ."
    )
