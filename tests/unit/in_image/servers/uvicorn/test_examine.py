from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.in_image.errors import SettingsError
from pystatic_tasks.in_image.servers.server import Examination
from pystatic_tasks.in_image.servers.uvicorn import examine as module
from pystatic_tasks.in_image.servers.uvicorn.examine import examine

H11 = "uvicorn.protocols.http.h11_impl"
HERE = {"http": "h11", "ws": "none", "loop": "asyncio"}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application."""


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    return []


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if uvicorn were installed without its extras."""
    monkeypatch.setattr(module, "here", lambda: HERE)


def refused(settings: dict[str, Any], target: Any = app) -> str:
    with pytest.raises(SettingsError) as caught:
        examine(target, settings, {})
    return str(caught.value)


def test_what_follows_from_no_settings() -> None:
    assert examine(app, {}, {}) == Examination(
        settings=HERE,
        hidden_imports=["uvicorn.lifespan.on", "uvicorn.loops.asyncio", H11],
        ports=[8000],
        unused_parts=("other-implementations", "reloading"),
    )


def test_settings_of_the_project_are_frozen_in_as_they_are() -> None:
    settings = {"http": "h11", "workers": 2, "headers": [["A", "b"]]}
    assert examine(app, settings, {}).settings == {**HERE, **settings}


@pytest.mark.parametrize(
    ("settings", "environment", "ports"),
    [
        ({"port": 9000}, {}, [9000]),
        ({}, {"PORT": "9000"}, [9000]),
        ({}, {"UVICORN_PORT": "9000"}, [9000]),
        ({"uds": "/run/s"}, {}, []),
        ({"fd": 3}, {}, []),
    ],
)
def test_the_port_is_that_which_is_listened_on(
    settings: dict[str, Any], environment: dict[str, str], ports: list[int]
) -> None:
    assert examine(app, settings, environment).ports == ports


def test_lifespan_brings_what_it_names() -> None:
    assert "uvicorn.lifespan.off" in examine(app, {"lifespan": "off"}, {}).hidden_imports


def test_a_loop_of_the_projects_own_is_brought_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "loopsx.py").write_text("import asyncio\nmake = asyncio.SelectorEventLoop\n", encoding="utf-8")
    found = examine(app, {"loop": "loopsx:make"}, {}).hidden_imports
    assert "loopsx" in found
    assert "uvicorn.loops.asyncio" not in found


def test_classes_of_a_table_of_logging_are_brought_along() -> None:
    table = {
        "version": 1,
        "formatters": {"json": {"()": "acme.logs.Formatter"}},
        "handlers": {"default": {"class": "logging.handlers.QueueHandler", "stream": "ext://sys.stdout"}},
    }
    assert {"acme.logs", "logging.handlers"} <= set(examine(app, {"log_config": table}, {}).hidden_imports)


def test_a_wsgi_application_is_refused() -> None:
    assert refused({}, wsgi) == (
        "uvicorn serves ASGI applications, but the target does not look like one; "
        'if it is one, set server.interface = "asgi3".'
    )


def test_an_application_is_what_the_setting_says() -> None:
    assert examine(wsgi, {"interface": "wsgi"}, {}).ports == [8000]
    assert examine(wsgi, {"interface": "asgi3"}, {}).ports == [8000]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"http": "nowherex.protocol:Http"}, "http = 'nowherex.protocol:Http'"),
        ({"loop": "fastx"}, "loop = 'fastx'"),
        ({"ws": "fastx"}, "ws = 'fastx'"),
    ],
)
def test_an_implementation_that_is_not_there_is_told(settings: dict[str, str], text: str) -> None:
    assert refused(settings).startswith(f"server.{text} is refused by uvicorn: ")


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httptools", None)
    monkeypatch.delitem(sys.modules, "uvicorn.protocols.http.httptools_impl", raising=False)
    assert refused({"http": "httptools"}).startswith("server.http = 'httptools' is refused by uvicorn: ")


def test_unknown_settings_are_refused() -> None:
    assert refused({"worker": 1}) == "server.worker is not a setting of uvicorn; did you mean 'workers'?"
