from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pystatic_tasks.in_env.modules import WHEEL
from pystatic_tasks.in_env.protocol import BuildSystem, Wheel
from pystatic_tasks.steps.build_environment import ask
from pystatic_tasks.steps.freeze.install.wheels import WITHOUT_PACKAGES

BACKEND = """\
import importlib.util, os, pathlib, sys
class Backend:
    def get_requires_for_build_wheel(self, settings=None):
        return {needs}
    def build_wheel(self, folder, settings=None, metadata=None):
        seen = [importlib.util.find_spec(name) is not None for name in ("helper", "pytest", "shop")]
        pathlib.Path(folder, "shop.whl").write_text(f"{{os.getcwd()}} {{seen}}")
        return "shop.whl"
inner = Backend()
"""


def build(folder: Path, *, backend: str = "kitchen:inner", needs: tuple[str, ...] = ()) -> Wheel | None:
    """What the tiny build system answers that lies in the folder, with a project beside it."""
    system, project, wheels = (folder / name for name in ("system", "project", "wheels"))
    for each in (system, project, wheels):
        each.mkdir()
    (system / "kitchen.py").write_text(BACKEND.format(needs=list(needs)), encoding="utf-8")
    (system / "helper.py").touch()
    (project / "shop.py").touch()
    question = BuildSystem(
        project=str(project), backend=backend, requires=("kitchen",), folder=str(system), wheels=str(wheels)
    )
    _, wheel = ask(
        Path(sys.executable),
        WHEEL,
        question,
        folder=folder / "asked",
        log=folder / "wheel.log",
        arguments=WITHOUT_PACKAGES,
        verbose=False,
    )
    return wheel


def test_a_build_system_sees_what_it_was_installed_with_and_nothing_else(tmp_path: Path) -> None:
    assert build(tmp_path) == Wheel(name="shop.whl")
    made = (tmp_path / "wheels/shop.whl").read_text(encoding="utf-8")
    assert made == f"{tmp_path / 'project'} [True, False, False]"


@pytest.mark.parametrize(("needs", "name"), [(("kitchen",), "shop.whl"), (("kitchen", "oven>=2"), "")])
def test_a_backend_that_wants_more_builds_nothing(tmp_path: Path, needs: tuple[str, ...], name: str) -> None:
    assert build(tmp_path, needs=needs) == Wheel(name=name)


def test_a_backend_that_fails_has_no_answer(tmp_path: Path) -> None:
    assert build(tmp_path, backend="kitchen:cold") is None
    assert "AttributeError" in (tmp_path / "wheel.log").read_text(encoding="utf-8")
