"""The program asks itself: `PROGRAM --healthcheck [PATH]`.

A scratch image has no curl and no shell, so its health check can only be the program.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
from pathlib import Path
from typing import NamedTuple

# (host, port) of a TCP listener, the path of a Unix socket, or the number of a handed-over one.
Address = tuple[str, int] | str | int

# Who starts the program from one file puts this into its folder, and reads there where it listens.
LAUNCHED, NOTED = "launched.pyc", "address"
TIMEOUT_SECONDS = 5.0
LONGEST_STATUS_LINE = 256


class Listener(NamedTuple):
    """Where a server listens.

    Attributes:
        bind: As the server writes it.
        address: As one connects to it.
        tls: Whether it speaks TLS.
    """

    bind: str
    address: Address
    tls: bool


def ask_myself(listener: Listener, path: str) -> int:
    """Ask the server that listens there for `path`, with its query.

    Returns:
        0 if it answered with a status from 200 to 399 within 5 seconds, otherwise 1.
    """
    try:
        status = ask(listener.address, path, tls=listener.tls)
    except (OSError, ValueError) as error:
        print(f"unhealthy: no answer from {listener.bind}: {error}", file=sys.stderr)
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
    return socket.create_connection(here(address), timeout=TIMEOUT_SECONDS)


def here(address: tuple[str, int]) -> tuple[str, int]:
    """The address of this machine at which a listener is reached."""
    host, port = address
    anywhere = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}
    return anywhere.get(host, host), port


def write_down(listener: Listener, folder: str) -> None:
    """Note where the program listens for the one that started it from one file, so that it need not ask a Python.

    Args:
        listener: Where.
        folder: That of the program, `sys.prefix`. Any other is left as it is.
    """
    noted = "" if listener.tls else written(listener.address)
    if noted and Path(folder, LAUNCHED).exists():
        # Without it, a Python is asked.
        with contextlib.suppress(OSError):
            Path(folder, NOTED).write_text(noted, encoding="utf-8")


def written(address: Address) -> str:
    """A host in figures and a port, or the whole path of a Unix socket; "" for any other address."""
    if not isinstance(address, tuple):
        return address if isinstance(address, str) and address.startswith("/") else ""
    host, port = here(address)
    return f"{host} {port}" if is_in_figures(host) else ""


def is_in_figures(host: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    except OSError:
        return False
    return True


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
