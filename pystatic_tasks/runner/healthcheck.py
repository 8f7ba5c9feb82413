"""The program asks itself: `PROGRAM --healthcheck [PATH]`.

A scratch image has no curl and no shell, so its health check can only be the program.
"""

from __future__ import annotations

import socket
import ssl
import sys

from gunicorn.config import Config

from .settings import address_of, binds

TIMEOUT_SECONDS = 5.0
LONGEST_STATUS_LINE = 256


def ask_myself(config: Config, path: str) -> int:
    """Ask the server that this configuration describes for `path`.

    Returns:
        0 if it answered with a status from 200 to 399 within 5 seconds, otherwise 1.
    """
    bind = binds(config)[0]
    try:
        status = ask(bind, path, tls=config.is_ssl)
    except (OSError, ValueError) as error:
        print(f"unhealthy: no answer from {bind}: {error}", file=sys.stderr)
        return 1
    if not 200 <= status < 400:
        print(f"unhealthy: {path} answered {status}", file=sys.stderr)
        return 1
    return 0


def ask(bind: str, path: str, *, tls: bool) -> int:
    """The status of the answer to `GET path`."""
    with connect(bind) as plain, secure(plain) if tls else plain as connection:
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


def connect(bind: str) -> socket.socket:
    address = address_of(bind)
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
