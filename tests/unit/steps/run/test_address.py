from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from pystatic_tasks.engines import Artifact
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.in_env.web.client import free_port
from pystatic_tasks.steps.run.address import choose_address, problem_of, url_of


def serving(port: int | None) -> Artifact:
    return Artifact(archive=Path(), image_id="", references=(), entrypoint="/shop", env={}, port=port)


def test_the_own_port_is_taken_if_it_is_free() -> None:
    port = free_port()
    assert choose_address(serving(port), None) == ("127.0.0.1", port)


def test_otherwise_another_one_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        address = choose_address(serving(port), None)
    assert address is not None
    assert address[0] == "127.0.0.1"
    assert address[1] not in (0, port)


def test_a_port_of_connections_that_ended_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address):
            # Who closes first waits.
            server.accept()[0].close()
    assert problem_of(*address) == ""


def test_what_is_wanted_is_taken() -> None:
    wanted = ("0.0.0.0", free_port())
    assert choose_address(serving(8000), wanted) == wanted


def test_what_is_wanted_and_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            choose_address(serving(8000), ("127.0.0.1", port))
    assert str(caught.value) == (
        f"--publish 127.0.0.1:{port}: that port is in use.\nChoose another port; without --publish, a free one is used."
    )


def test_an_address_of_another_machine_is_refused() -> None:
    assert problem_of("192.0.2.1", 8000) == "is not at an address of this machine"


def test_a_port_that_only_root_may_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(probe: socket.socket, address: tuple[str, int]) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket.socket, "bind", bind, raising=False)
    assert problem_of("127.0.0.1", 80) == "is allowed only for root"


def test_a_program_without_a_port_has_no_address() -> None:
    assert choose_address(serving(None), None) is None
    with pytest.raises(ConfigError) as caught:
        choose_address(serving(None), ("127.0.0.1", 8000))
    assert str(caught.value) == (
        "--publish is given, but no TCP port of the program is known.\n"
        "Remove it, or set smoke.port to the port of the script or command."
    )


def test_the_address_is_one_for_a_browser() -> None:
    assert url_of(("127.0.0.1", 8000)) == "http://127.0.0.1:8000/"
    assert url_of(("0.0.0.0", 8000)) == "http://127.0.0.1:8000/"
    assert url_of(("192.0.2.1", 80)) == "http://192.0.2.1:80/"
