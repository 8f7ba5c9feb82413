"""The program asks itself: `PROGRAM --healthcheck [PATH]`.

A scratch image has no curl and no shell, so its health check can only be the program.
"""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Callable

# (host, port) of a TCP listener, the path of a Unix socket, or the number of a handed-over one.
Address = tuple[str, int] | str | int

TIMEOUT_SECONDS = 5.0
LONGEST_STATUS_LINE = 256


def ask_myself(bind: str, path: str, *, address_of: Callable[[str], Address], tls: bool) -> int:
    """Ask the server that listens at `bind` for `path`.

    Args:
        bind: Where, as the server writes it.
        path: Path and query.
        address_of: Reads `bind`; may raise ValueError.
        tls: Whether it speaks TLS.

    Returns:
        0 if it answered with a status from 200 to 399 within 5 seconds, otherwise 1.
    """
    try:
        status = ask(address_of(bind), path, tls=tls)
    except (OSError, ValueError) as error:
        print(f"unhealthy: no answer from {bind}: {error}", file=sys.stderr)
        return 1
    if not 200 <= status < 400:
        print(f"unhealthy: {path} answered {status}", file=sys.stderr)
        return 1
    return 0


def ask(address: Address, path: str, *, tls: bool) -> int:
    """The status of the answer to `GET path`."""
    with connect(address) as plain, secure(plain) if tls else plain as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        received = b""
        while b"\r\n" not in received and len(received) < LONGEST_STATUS_LINE:
            chunk = connection.recv(LONGEST_STATUS_LINE)
            if not chunk:
                break
            received += chunk
    words = received.split(b" ", 2)
    if len(words) < 2 or not received.startswith(b"HTTP/"):
        raise ValueError("not an HTTP answer")
    return int(words[1])


def connect(address: Address) -> socket.socket:
    if isinstance(address, int):
        raise ValueError("a listener that was handed over cannot be asked")
    if isinstance(address, str):
        return connect_to_file(address)
    host, port = address
    anywhere = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}
    return socket.create_connection((anywhere.get(host, host), port), timeout=TIMEOUT_SECONDS)


def connect_to_file(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(TIMEOUT_SECONDS)
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def secure(plain: socket.socket) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain)
