from __future__ import annotations

import sys

import pytest

from pystatic_tasks.in_image.servers.uvicorn.examine import here
from pystatic_tasks.in_image.servers.uvicorn.modules import is_there, log_modules, module_of, references


def test_without_settings_everything_is_automatic() -> None:
    assert references({}) == {
        "http": "uvicorn.protocols.http.auto:AutoHTTPProtocol",
        "ws": "uvicorn.protocols.websockets.auto:AutoWebSocketsProtocol",
        "loop": "uvicorn.loops.auto:",
        "lifespan": "uvicorn.lifespan.on:LifespanOn",
    }


def test_what_is_switched_off_leads_nowhere() -> None:
    assert references({"ws": "none", "loop": "none"}).keys() == {"http", "lifespan"}


def test_names_of_the_projects_own_are_kept() -> None:
    own = {"http": "acme.http:Protocol", "ws": "acme.ws:Protocol", "loop": "acme.loops:make"}
    assert references(own) == {**own, "lifespan": "uvicorn.lifespan.on:LifespanOn"}
    assert module_of("acme.http:Protocol") == "acme.http"


def test_http2_brings_its_own_protocol() -> None:
    assert module_of(references({"http": "zttp", "http2": True})["http"]) == "uvicorn.protocols.http.auto_zttp_impl"


@pytest.mark.parametrize(
    ("name", "found"), [("json.decoder", True), ("json.nowhere", False), ("nowherex.deep", False), ("", False)]
)
def test_a_module_is_there_or_not(name: str, found: bool) -> None:
    assert is_there(name) is found


def test_automatic_is_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("httptools", "websockets", "wsproto"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr("pystatic_tasks.in_image.servers.uvicorn.examine.is_there", lambda name: False)
    assert here() == {"http": "h11", "ws": "none", "loop": "asyncio"}


def test_automatic_loops_are_uvloops_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pystatic_tasks.in_image.servers.uvicorn.examine.is_there", lambda name: name == "uvloop")
    assert here()["loop"] == "uvloop"


def test_what_is_no_table_names_no_modules() -> None:
    assert list(log_modules("/etc/logging.json")) == []
    assert list(log_modules(None)) == []
