"""Opens connections to registries with limits below TLS, in bytes and seconds, whatever the registry sends."""

from __future__ import annotations

import errno
import socket
import time
from ipaddress import ip_address
from typing import Any

from pystatic_tasks.in_env.web.bounded import Limits, TooLargeError


def connect(host: str, port: int, each_seconds: float, seconds: float) -> socket.socket:
    """Connect to the first address of a host that accepts a connection.

    Args:
        host: A name, which may have many addresses, or an address.
        port: TCP port.
        each_seconds: Timeout for each address.
        seconds: Timeout for all addresses together.

    Raises:
        OSError: no address accepts a connection.
    """
    end = time.monotonic() + seconds
    problem: OSError = TimeoutError()
    for family, kind, protocol, place in places(host, port):
        left_seconds = end - time.monotonic()
        if left_seconds <= 0:
            break
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(min(each_seconds, left_seconds))
            connection.connect(place)
        except OSError as error:
            connection.close()
            problem = error
        else:
            # Send each piece without waiting for the acknowledgement of the last one.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
    raise problem


def places(host: str, port: int) -> list[tuple[int, int, int, Any]]:
    """Families, kinds, protocols and addresses of a host.

    Raises:
        OSError: it has none, or is `localhost`, which needs no TLS, and has no address of this machine.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    may_be = [each for each in found if host != "localhost" or ip_address(each[4][0]).is_loopback]
    if not may_be:
        raise OSError(errno.EADDRNOTAVAIL, "its name does not lead to this machine")
    return [(family, kind, protocol, place) for family, kind, protocol, _, place in may_be]


class BoundedSocket(socket.socket):
    """A connection that raises TooLargeError or TimeoutError beyond its limits.

    TLS handles some messages itself, such as session tickets, so bytes are counted below TLS.
    """

    def __init__(self, connection: socket.socket, limits: Limits) -> None:
        """
        Args:
            connection: The connection to take over.
            limits: The limits until the next `begin`.
        """
        super().__init__(fileno=connection.detach())
        self.begin(limits)

    def begin(self, limits: Limits) -> None:
        """Start new limits."""
        self._left_bytes = limits.size_bytes
        self._end = time.monotonic() + limits.seconds

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        self._watch()
        found = super().recv(bufsize, flags)
        self._count(len(found))
        return found

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        self._watch()
        count = super().recv_into(buffer, nbytes, flags)
        self._count(count)
        return count

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        # The timeout is for all of the data (since Python 3.5).
        self._watch()
        super().sendall(data, flags)

    def _watch(self) -> None:
        left_seconds = self._end - time.monotonic()
        if left_seconds <= 0:
            raise TimeoutError
        self.settimeout(left_seconds)

    def _count(self, received_bytes: int) -> None:
        self._left_bytes -= received_bytes
        if self._left_bytes < 0:
            raise TooLargeError
