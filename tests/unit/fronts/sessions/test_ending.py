from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest
from nox_sessions import SHOP, AbortedError, Session, write

from pystatic_tasks.fronts.sessions.ending import heeded
from pystatic_tasks.fronts.sessions.registration import register


@pytest.mark.parametrize(("text", "words", "code"), [(SHOP, ["x"], "2"), (SHOP + "x = 1", [], "2"), (SHOP, [], "1")])
def test_the_kind_of_the_failure_is_left_for_whoever_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: list[str], code: str
) -> None:
    monkeypatch.setenv("PYSTATIC_EXIT_CODE", str(tmp_path / "code"))
    sessions = register(root=write(tmp_path / "shop", text))
    with pytest.raises(AbortedError):
        sessions["smoke"](Session(*words).nox)
    assert (tmp_path / "code").read_text(encoding="utf-8") == code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_counts_though_what_nox_runs_succeeds(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), heeded(), contextlib.suppress(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before
    with heeded():
        pass
