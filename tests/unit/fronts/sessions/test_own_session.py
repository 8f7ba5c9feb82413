from __future__ import annotations

from pathlib import Path

import pytest
from nox_sessions import SHOP, TWO, AbortedError, Session, write

from pystatic_tasks.fronts.sessions.own_session import run_step


def test_a_step_runs_in_a_session_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(AbortedError, match=r"^The results of freeze for other are not in "):
        run_step(Session().nox, "staticx", root=write(tmp_path), name="other")


def test_an_unknown_step_ends_the_session(tmp_path: Path) -> None:
    with pytest.raises(AbortedError) as caught:
        run_step(Session().nox, "imag", root=write(tmp_path))
    assert str(caught.value) == 'There is no step "imag"; did you mean "image"?\nCorrect the call in the noxfile'


@pytest.mark.parametrize(
    ("name", "hint"),
    [("wep", 'did you mean "web"?'), ("", "available: web, worker"), ("zzz", "available: web, worker")],
)
def test_an_image_that_is_not_there_ends_the_session(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(AbortedError) as caught:
        run_step(Session().nox, "staticx", root=write(tmp_path, TWO), image=name)
    assert str(caught.value) == f'There is no image "{name}"; {hint}\nName one of them'


def test_a_step_takes_its_root_from_the_calling_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "shop")
    monkeypatch.chdir(write(tmp_path / "elsewhere", SHOP.replace('"shop"', '"elsewhere"')))
    code = compile("run_step(session, 'staticx')", tmp_path / "shop/noxfile.py", "exec")
    with pytest.raises(AbortedError, match=r"^The results of freeze for shop are not in "):
        exec(code, {"run_step": run_step, "session": Session().nox})
