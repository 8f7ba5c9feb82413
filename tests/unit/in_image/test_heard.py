from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from pystatic_tasks.in_image.asgi import is_asgi
from pystatic_tasks.in_image.heard import heard


def run(app: Any, kind: str) -> None:
    async def receive() -> Mapping[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Mapping[str, Any]) -> None:
        """Nobody listens."""

    async def main() -> None:
        await app({"type": kind}, receive, send)

    asyncio.run(main())


async def without_lifespan(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
    raise ValueError("what is a lifespan?")


async def failing(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
    await receive()
    raise ValueError("no database")


@pytest.mark.parametrize(
    ("app", "kind", "is_told"),
    [(failing, "lifespan", True), (without_lifespan, "lifespan", False), (failing, "http", False)],
)
def test_a_lifespan_that_fails_is_told_and_goes_on_to_fail(
    capfd: pytest.CaptureFixture[str], app: Any, kind: str, is_told: bool
) -> None:
    listened_to = heard(lambda: app)()
    assert is_asgi(listened_to)
    with pytest.raises(ValueError, match=r"database|lifespan"):
        run(listened_to, kind)
    assert ("ValueError: no database" in capfd.readouterr().err) is is_told


def test_other_applications_stay_as_they_are() -> None:
    def app(environ: Mapping[str, Any], start: Any) -> list[bytes]:
        return []

    assert heard(lambda: app)() is app


def test_errors_of_requests_in_django_are_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    receivers: list[Callable[..., None]] = []

    def connect(receiver: Callable[..., None], weak: bool) -> None:
        receivers.append(receiver)
        assert not weak

    signals = SimpleNamespace(got_request_exception=SimpleNamespace(connect=connect))
    monkeypatch.setitem(sys.modules, "django.core.signals", signals)
    heard(lambda: print)()
    try:
        raise ValueError("no table")
    except ValueError:
        receivers[0](sender=None, request=None)
    assert "ValueError: no table" in capfd.readouterr().err
