"""A registry, or whatever else answers by HTTP, that means harm."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

TLS = b"\x16"  # With which a handshake begins.
HANG_UP = b""
# Records of TLS that nobody is told of, of 4096 messages each, which ask for what goes on already.
HELLO_REQUESTS = b"\x16\x03\x03\x40\x00" + bytes(0x4000)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One request, as it came over the wire.

    Attributes:
        line: Method and path.
        headers: By names in lower case.
        body: Its body.
    """

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def whole(self) -> str:
        """All that was said, to look for secrets in."""
        return f"{self.line} {dict(self.headers)} {self.body!r}"


@dataclass(kw_only=True)
class Hostile:
    """A server on 127.0.0.1 that sends whatever it is told to.

    Attributes:
        port: Where it listens.
        behave: The bytes to send for a request, piece by piece, for as long as anybody listens;
            after HANG_UP nothing more.
        begin_tls: The bytes to send to whoever begins with TLS; it is not understood.
        heard: What it was asked.
    """

    port: int
    behave: Callable[[Heard], Iterable[bytes]] = lambda heard: [OK]
    begin_tls: Callable[[], Iterable[bytes]] = lambda: []
    heard: list[Heard] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def said_to_it(self) -> str:
        return "\n".join(each.whole for each in self.heard)


def answer(status: int, content: bytes = b"", **headers: str) -> bytes:
    """An answer that is whole; `_` in the name of a header stands for `-`."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} Whatever", *lines, f"Content-Length: {len(content)}", "", ""])
    return head.encode("latin-1", "replace") + content


@contextlib.contextmanager
def hostile_server() -> Iterator[Hostile]:
    """One that listens until it is left."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Hostile(port=listener.getsockname()[1])
        connections: list[socket.socket] = []
        accepting = threading.Thread(target=accept, args=(made, listener, connections), daemon=True)
        accepting.start()
        yield made
        for each in (listener, *connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        accepting.join()


def accept(made: Hostile, listener: socket.socket, connections: list[socket.socket]) -> None:
    threads = []
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connections.append(connection)
            threads.append(threading.Thread(target=converse, args=(made, connection), daemon=True))
            threads[-1].start()
    for thread in threads:
        thread.join()


def converse(made: Hostile, connection: socket.socket) -> None:
    """Hear requests and answer them, until somebody has enough."""
    with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
        if connection.recv(1, socket.MSG_PEEK) == TLS:
            for piece in made.begin_tls():
                connection.sendall(piece)
            return
        while heard := hear(stream):
            made.heard.append(heard)
            for piece in made.behave(heard):
                if piece == HANG_UP:
                    return
                connection.sendall(piece)


def hear(stream: BinaryIO) -> Heard | None:
    line = stream.readline().decode("latin-1").rpartition(" ")[0]
    headers = {}
    while (field := stream.readline().strip()) and line:
        name, _, value = field.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Heard(line=line, headers=headers, body=stream.read(int(headers.get("content-length", 0)))) if line else None
