"""Answers of HTTP that come to an end: after so many bytes and so many seconds, whatever the server sends."""

from __future__ import annotations

import http.client
import io
import socket
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much an answer may be.

    Attributes:
        size_bytes: Of all that is received: headers, and those of `100 Continue`, included.
        seconds: From the end of the request to that of the answer.
    """

    size_bytes: int
    seconds: float


class TooLargeError(OSError):
    """An answer has more bytes than it may."""


class Cut(io.RawIOBase):
    """What a socket receives; at its limits it ends as if the server had closed the connection.

    Attributes:
        limit: The error by which it ended instead, where it does so.
    """

    limit: OSError | None = None

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, limits: Limits) -> None:
        self._raw = raw
        self._connection = connection
        self._left_bytes = limits.size_bytes
        self._end = time.monotonic() + limits.seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        try:
            return self._read_within(buffer)
        except (TimeoutError, TooLargeError) as error:
            self.limit = error
            return 0

    def _read_within(self, buffer: Any) -> int | None:
        left_seconds = self._end - time.monotonic()
        if left_seconds <= 0:
            raise TimeoutError
        self._connection.settimeout(left_seconds)
        count = self._raw.readinto(buffer)
        self._left_bytes -= count or 0
        if self._left_bytes < 0:
            raise TooLargeError
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class Buffer(io.BufferedReader):
    """Makes room for no more than may come, whatever a server says of the size."""

    def __init__(self, raw: io.RawIOBase, most_bytes: int) -> None:
        super().__init__(raw)
        self._most_bytes = most_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size if size is None else min(size, self._most_bytes))


class Response(http.client.HTTPResponse):
    """An answer that is read within limits.

    Attributes:
        reader: What is read from.
    """

    def __init__(self, sock: socket.socket, *arguments: Any, limits: Limits, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.reader = Cut(self.fp.detach(), sock, limits)
        self.fp = Buffer(self.reader, limits.size_bytes)


def read_all(response: Response) -> tuple[bytes, OSError | None]:
    """A body that ends at its limits, as far as it came, and by which of them it ended; None for none.

    Raises:
        http.client.IncompleteRead, OSError: the connection ended before it.
    """
    try:
        content = response.read()
    except http.client.IncompleteRead as error:
        if response.reader.limit is None:
            raise
        content = error.partial
    return content, response.reader.limit
