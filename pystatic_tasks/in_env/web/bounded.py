"""Answers of HTTP that come to an end: after so many bytes and so many seconds, whatever the server sends."""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

# Of a head, as `http.client` has it: its lines, and the bytes of each.
MOST_LINES = 100
LONGEST_LINE = 2**16
# Headers that say where an answer ends, in small letters.
FRAMING = frozenset(("connection", "content-length", "keep-alive", "proxy-connection", "transfer-encoding"))


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


class PlainHead(http.client.HTTPResponse):
    """An answer of whose headers only some are read.

    `http.client` has them parsed as those of a mail, where one may stand for further parts, in a time that grows as
    the square of its length.
    """

    read_headers: ClassVar[frozenset[str]]

    def begin(self) -> None:
        if self.headers is not None:
            return
        # It takes a status and headers from there, and leaves the rest to be read.
        rest, self.fp = self.fp, io.BytesIO(plain_head(self.fp, self.read_headers))
        try:
            super().begin()
        finally:
            self.fp = rest


def plain_head(source: io.BufferedIOBase, names: Collection[str]) -> bytes:
    """The head of an answer with the headers of these names, each in a line, and without those before it that go on.

    Raises:
        http.client.HTTPException: it has too many lines, or one that is too long.
    """
    status = read_line(source)
    # What is no answer need not have a second line.
    while status.startswith(b"HTTP/"):
        lines = unfolded(head_lines(source))
        if status.split()[1:2] != [b"100"]:
            kept = (without_parameters(line) for line in lines if name_of(line) in names)
            return b"".join([status, *(line + b"\r\n" for line in kept), b"\r\n"])
        status = read_line(source)
    return status


def head_lines(source: io.BufferedIOBase) -> Iterator[bytes]:
    """Lines up to an empty one; a carriage return by itself ends none."""
    for _ in range(MOST_LINES):
        line = read_line(source).rstrip(b"\r\n")
        if not line:
            return
        yield line.replace(b"\r", b" ")
    raise http.client.HTTPException(f"got more than {MOST_LINES} headers")


def read_line(source: io.BufferedIOBase) -> bytes:
    line = source.readline(LONGEST_LINE + 1)
    if len(line) > LONGEST_LINE:
        raise http.client.LineTooLong("header line")
    return line


def unfolded(lines: Iterable[bytes]) -> list[bytes]:
    """The lines, each with those that go on with it: https://www.rfc-editor.org/rfc/rfc9112#section-5.2"""
    found: list[list[bytes]] = []
    for line in lines:
        if found and line.startswith((b" ", b"\t")):
            found[-1].append(line.strip())
        else:
            found.append([line])
    return [b" ".join(each) for each in found]


def name_of(line: bytes) -> str:
    return line.partition(b":")[0].decode("latin-1").lower()


def without_parameters(line: bytes) -> bytes:
    """A header; of a media type no more than that, since the rest would be taken for that of a mail."""
    return line.partition(b";")[0] if name_of(line) == "content-type" else line


class Response(PlainHead):
    """An answer that is read within limits.

    Attributes:
        reader: What is read from.
    """

    read_headers = FRAMING | {"content-type"}

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
