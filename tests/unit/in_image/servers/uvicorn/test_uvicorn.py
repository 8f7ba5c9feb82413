from __future__ import annotations

from typing import Any

import pytest

from pystatic_tasks.in_image.healthcheck import Address, ask_myself
from pystatic_tasks.in_image.servers.uvicorn import SERVER

DEFAULT = {"host": "0.0.0.0", "port": 8000}


@pytest.mark.parametrize(
    ("config", "bind", "address"),
    [
        ({}, "0.0.0.0:8000", ("0.0.0.0", 8000)),
        ({"host": "::1"}, "[::1]:8000", ("::1", 8000)),
        ({"uds": "/run/s"}, "unix:/run/s", "/run/s"),
        ({"fd": 0}, "fd://0", 0),
        ({"fd": 3, "uds": "/run/s"}, "fd://3", 3),
    ],
)
def test_it_listens_where_its_settings_say(config: dict[str, Any], bind: str, address: Address) -> None:
    assert SERVER.listener({**DEFAULT, **config}) == (bind, address, False)


def test_a_listener_that_was_handed_over_is_not_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask_myself(SERVER.listener({**DEFAULT, "fd": 0}), "/") == 1
    text = "unhealthy: no answer from fd://0: a listener that was handed over cannot be asked\n"
    assert capsys.readouterr().err == text
