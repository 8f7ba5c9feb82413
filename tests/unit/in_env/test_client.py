from __future__ import annotations

import socket

from pystatic_tasks.in_env.client import free_port, is_taken


def test_a_port_is_taken_while_somebody_listens() -> None:
    port = free_port()
    assert not is_taken(port)
    with socket.create_server(("127.0.0.1", port)):
        assert is_taken(port)
