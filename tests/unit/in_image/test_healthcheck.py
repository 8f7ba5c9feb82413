from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import tool_or_skip

from pystatic_tasks.in_env.web.client import free_port
from pystatic_tasks.in_image import healthcheck
from pystatic_tasks.in_image.healthcheck import Address, Listener, ask_myself, write_down
from pystatic_tasks.in_image.servers.gunicorn import SERVER
from pystatic_tasks.in_image.servers.gunicorn.settings import configure

OK = b"HTTP/1.1 200 OK\r\n\r\n"


@contextmanager
def says(
    answer: bytes, *, path: Path | None = None, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[bytes]]]:
    """A server that sends this to whoever comes first: where it listens, and what it is asked."""
    asked: list[bytes] = []

    def serve() -> None:
        plain, _ = server.accept()
        with plain, tls.wrap_socket(plain, server_side=True) if tls else plain as connection:
            if answer:
                asked.append(connection.recv(1000))
                connection.sendall(answer)

    family = socket.AF_UNIX if path else socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as server:
        server.bind(str(path) if path else (host, 0))
        server.listen()
        server.settimeout(10)
        thread = threading.Thread(target=serve)
        thread.start()
        bind = f"unix:{path}" if path else f"{'[::1]' if ':' in host else host}:{server.getsockname()[1]}"
        try:
            yield bind, asked
        finally:
            thread.join()


def check(bind: str, path: str = "/", **settings: object) -> int:
    return ask_myself(SERVER.listener(configure({"bind": bind, **settings}, {})), path)


@pytest.mark.parametrize("status", [200, 204, 302, 399])
def test_a_good_answer_is_healthy(status: int, capsys: pytest.CaptureFixture[str]) -> None:
    with says(f"HTTP/1.1 {status} Fine\r\n\r\n".encode()) as (bind, asked):
        assert check(bind, "/health?deep=1") == 0
    assert asked == [b"GET /health?deep=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("status", [400, 404, 500, 503, 199])
def test_a_bad_answer_is_unhealthy(status: int, capsys: pytest.CaptureFixture[str]) -> None:
    with says(f"HTTP/1.1 {status} Bad\r\n\r\n".encode()) as (bind, _):
        assert check(bind, "/health") == 1
    assert capsys.readouterr().err == f"unhealthy: /health answered {status}\n"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not an HTTP answer"),
        (b"HTTP/1.1\r\n", "not an HTTP answer"),
        (b"x" * 300, "not an HTTP answer"),
    ],
)
def test_what_is_not_http_is_unhealthy(answer: bytes, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with says(answer) as (bind, _):
        assert check(bind) == 1
    assert capsys.readouterr().err == f"unhealthy: no answer from {bind}: {reason}\n"


def test_who_hangs_up_is_unhealthy() -> None:
    with says(b"") as (bind, _):
        assert check(bind) == 1


def test_nobody_there_is_unhealthy(capsys: pytest.CaptureFixture[str]) -> None:
    bind = f"127.0.0.1:{free_port()}"
    assert check(bind) == 1
    assert capsys.readouterr().err == f"unhealthy: no answer from {bind}: [Errno 111] Connection refused\n"


def test_who_does_not_answer_in_time_is_unhealthy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(healthcheck, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bind = f"127.0.0.1:{silent.getsockname()[1]}"
        assert check(bind) == 1
    assert capsys.readouterr().err == f"unhealthy: no answer from {bind}: timed out\n"


def test_a_status_in_pieces_is_read_whole() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                for piece in (b"HTT", b"P/1.1 2", b"00 OK\r", b"\n\r\n"):
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connection.sendall(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        assert check(f"127.0.0.1:{server.getsockname()[1]}") == 0
        thread.join()


def test_a_server_of_all_addresses_is_asked_on_this_machine() -> None:
    with says(OK) as (bind, _):
        assert check(bind.replace("127.0.0.1", "0.0.0.0")) == 0
    with says(OK) as (bind, _):
        assert check(bind.replace("127.0.0.1", "")) == 0


def test_a_server_of_ipv6_is_asked_there() -> None:
    try:
        with says(OK, host="::1") as (bind, _):
            assert check(bind.replace("::1", "::")) == 0
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")


def test_a_server_at_a_unix_socket_is_asked_there(tmp_path: Path) -> None:
    with says(OK, path=tmp_path / "s") as (bind, _):
        assert check(bind) == 0


def test_a_unix_socket_that_is_not_there_is_unhealthy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(f"unix:{tmp_path}/s") == 1
    assert capsys.readouterr().err == (
        f"unhealthy: no answer from unix:{tmp_path}/s: [Errno 2] No such file or directory\n"
    )


def test_a_listener_that_was_handed_over_cannot_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("fd://3") == 1
    assert capsys.readouterr().err == (
        "unhealthy: no answer from fd://3: a listener that was handed over cannot be asked\n"
    )


@pytest.mark.parametrize(
    ("address", "tls", "noted"),
    [
        (("0.0.0.0", 8000), False, "127.0.0.1 8000"),
        (("", 8000), False, "127.0.0.1 8000"),
        (("10.0.0.7", 80), False, "10.0.0.7 80"),
        (("::", 8000), False, "::1 8000"),
        ("/run/größe.sock", False, "/run/größe.sock"),
        ("shop.sock", False, None),
        ("\0shop", False, None),
        (("localhost", 8000), False, None),
        (("0.0.0.0", 8000), True, None),
        (3, False, None),
    ],
)
def test_the_launcher_is_told_where_it_can_ask(tmp_path: Path, address: Address, tls: bool, noted: str | None) -> None:
    (tmp_path / "launched.pyc").touch()
    write_down(Listener("somewhere", address, tls), str(tmp_path))
    path = tmp_path / "address"
    assert (path.read_text(encoding="utf-8") if path.exists() else None) == noted


def test_no_other_folder_is_written_into(tmp_path: Path) -> None:
    write_down(Listener("127.0.0.1:8000", ("127.0.0.1", 8000), tls=False), str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_server_with_tls_is_asked_by_tls(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [tool_or_skip("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-nodes", "-subj", "/CN=shop", "-days", "2", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with says(OK, tls=context) as (bind, _):
        assert check(bind, certfile=str(certificate), keyfile=str(key)) == 0
