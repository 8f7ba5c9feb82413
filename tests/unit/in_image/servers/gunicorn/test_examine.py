from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import install_distribution

from pystatic_tasks.in_image.servers.gunicorn.examine import unused_parts
from pystatic_tasks.in_image.servers.gunicorn.settings import configure


@pytest.mark.parametrize(
    ("settings", "unused"),
    [
        ({}, ["side-servers", "http2"]),
        ({"control_socket_disable": False}, ["http2"]),
        ({"dirty_apps": ["shop:Model"]}, ["http2"]),
    ],
)
def test_parts_of_the_server_are_used_where_a_setting_starts_them(settings: dict[str, Any], unused: list[str]) -> None:
    assert unused_parts(configure(settings, {})) == unused


def test_a_server_that_has_no_such_settings_has_nothing_to_start_by_them() -> None:
    config = configure({}, {})
    for name in ("control_socket_disable", "dirty_apps"):
        del config.settings[name]
    assert "side-servers" in unused_parts(config)


def test_http2_is_used_where_its_package_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    install_distribution(tmp_path, "h2", "h2/__init__.py")
    assert unused_parts(configure({}, {})) == ["side-servers"]
