from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest
from support import members_of

from pystatic_tasks.config.model import ServerKind
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.in_image.servers.server import Server

KINDS = get_args(ServerKind)
MEMBERS = members_of(Server)
WITHOUT = """
import re
import sys

for kind in {kinds!r}:
    sys.modules[kind] = None
from pystatic_tasks.in_image.servers import find_server

server = find_server({kind!r})
print(server.requirement, server.config_file, sorted(server.listen_at({{}}, "127.0.0.1", 81).items()))
for pattern in (server.error_line, server.warning_line, *dict(server.advice)):
    re.compile(pattern)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_every_server_has_all_that_a_server_has(kind: str) -> None:
    server = find_server(kind)
    assert {"examine", "requirement", "advice"} < MEMBERS
    assert [name for name in MEMBERS if not hasattr(server, name)] == []


@pytest.mark.parametrize(
    ("kind", "printed"),
    [
        ("gunicorn", "gunicorn gunicorn.conf.py [('GUNICORN_CMD_ARGS', '--bind 127.0.0.1:81')]\n"),
        ("uvicorn", "uvicorn  [('UVICORN_HOST', '127.0.0.1'), ('UVICORN_PORT', '81')]\n"),
    ],
)
def test_who_builds_needs_no_server_installed(kind: str, printed: str) -> None:
    script = WITHOUT.format(kind=kind, kinds=KINDS)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20)
    assert result.stdout == printed


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("gunicorn", "server.bind names no TCP port that could be asked"),
        ("uvicorn", "server.uds and server.fd leave no TCP port that could be asked"),
    ],
)
def test_a_service_without_a_port_is_told_which_setting_leaves_none(kind: str, text: str) -> None:
    assert find_server(kind).no_port == text


def test_a_server_that_is_none_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError):
        find_server("nowhere")
