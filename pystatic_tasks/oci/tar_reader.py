"""Reads untrusted tars of the kind that is written here, in one pass and with bounded memory.

`tarfile` reads headers of any length, and some versions never end (CVE-2025-8194).
This module reads ustar and pax as defined by POSIX, without extensions:
https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pystatic_tasks.system.files import PIECE

BLOCK = 512
# A tar is padded with zeros to a multiple of this, in bytes.
RECORD = 20 * BLOCK
# Names have at most 4096 bytes, and one header has at most two.
LARGEST_EXTENDED_HEADER = 2**14
# Names, times, owners and some attributes.
MOST_RECORDS = 32
# A tree with CPython and many distributions has some tens of thousands.
MOST_MEMBERS = 250_000
EXTENDED = "x"
Kind = Literal["file", "folder", "link", "other"]
KINDS: Mapping[str, Kind] = {"0": "file", "5": "folder", "2": "link"}
# Where a header has numbers.
MODE, OWNER, GROUP, SIZE = slice(100, 108), slice(108, 116), slice(116, 124), slice(124, 136)
MODIFIED, CHECKSUM, MAJOR, MINOR = slice(136, 148), slice(148, 156), slice(329, 337), slice(337, 345)
# The file types that the mode of each kind may have too, as Docker and Podman write it; an extended header is a file.
TYPES = {"0": stat.S_IFREG, "5": stat.S_IFDIR, "2": stat.S_IFLNK, EXTENDED: stat.S_IFREG}
NO_TAR = "it is not a tar archive"
TOO_LARGE_HEADER = "it has a header that is too large"
# For some readers a NUL ends it, also one that stands before the digits.
NUMBER = re.compile(rb" *([0-7]*)[ \0]*")
RECORD_BEGINS = re.compile(rb"([1-9][0-9]{0,4}) ([!-<>-~]+)=")


class BrokenArchiveError(Exception):
    """What is wrong with an archive, as the end of a sentence."""


class Source(Protocol):
    """A stream of bytes."""

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end."""


class Pieces:
    """A source that reads from pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = iter(pieces)
        self.rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        found = []
        while size > 0:
            self.rest = self.rest or memoryview(next(filter(None, self.pieces), b""))
            if not self.rest:
                break
            found.append(self.rest[:size])
            self.rest = self.rest[size:]
            size -= len(found[-1])
        return b"".join(found)


@dataclass(frozen=True, kw_only=True)
class Member:
    """One entry of a tar.

    Attributes:
        name: Its path, as it was written.
        kind: What it is.
        mode: Permission bits, with or without the bits of its kind.
        owner: Numeric ids of the user and the group.
        modified: Modification time, in seconds since 1970.
        size: Size of its content, in bytes.
        start: Where its content begins in the tar, in bytes.
        link: Target of a symbolic link.
        extended: Keywords in its extended header.
        content: A file's bytes in pieces; to be read before the next member.
    """

    name: str
    kind: Kind
    mode: int
    owner: tuple[int, int]
    modified: int
    size: int
    start: int
    link: str
    extended: frozenset[str] = frozenset()
    content: Iterator[bytes] = field(repr=False, compare=False)


def read_members(source: Source) -> Iterator[Member]:
    """The members of a tar, in order.

    Raises:
        BrokenArchiveError: it is not a tar, is too large, or has features that are not written here.
    """
    at = count = 0
    records: dict[str, str] | None = None
    while any(header := exactly(source, BLOCK)):
        at += BLOCK
        count += 1
        if count > MOST_MEMBERS:
            raise BrokenArchiveError(f"it has more than {MOST_MEMBERS} entries")
        check_header(header)
        size, typeflag = octal(header[SIZE]), text(header[156:157])
        padding = -size % BLOCK
        if typeflag == EXTENDED:
            if size > LARGEST_EXTENDED_HEADER:
                raise BrokenArchiveError(TOO_LARGE_HEADER)
            if records is not None:
                raise BrokenArchiveError(NO_TAR)
            records = read_records(exactly(source, size))
            exactly(source, padding)
            at += size + padding
            continue
        member = make_member(header, typeflag, size, at, records or {}, content_of(source, size))
        if (size and member.kind != "file") or (member.kind == "link" and not member.link):
            raise BrokenArchiveError(NO_TAR)
        yield member
        for _ in member.content:
            pass
        exactly(source, padding)
        at += size + padding
        records = None
    if records is not None:
        raise BrokenArchiveError(NO_TAR)
    # Some readers continue after a single block of zeros.
    rest = source.read(RECORD + 1)
    if len(rest) > RECORD or any(rest):
        raise BrokenArchiveError("it goes on after its end")


def exactly(source: Source, size: int) -> bytes:
    content = source.read(size)
    if len(content) < size:
        raise BrokenArchiveError("it ends too early")
    return content


def content_of(source: Source, size: int) -> Iterator[bytes]:
    while size > 0:
        piece = exactly(source, min(size, PIECE))
        size -= len(piece)
        yield piece


def check_header(header: bytes) -> None:
    """Raise BrokenArchiveError unless it is a ustar header with the right checksum, and numbers that fit its kind.

    If the end of a header is not zero, some readers take it for another format, with a shorter path.
    """
    is_ustar = header[257:265] == b"ustar\00000" and not any(header[500:])
    if not is_ustar or octal(header[CHECKSUM]) != sum(header) - sum(header[CHECKSUM]) + 8 * ord(" "):
        raise BrokenArchiveError(NO_TAR)
    # Numbers that are not used here may end the tar for other readers, and some go by the type in the mode.
    mode, *_, major, minor = [octal(header[at]) for at in (MODE, OWNER, GROUP, SIZE, MODIFIED, MAJOR, MINOR)]
    typeflag = text(header[156:157])
    if typeflag in TYPES and (major or minor or mode & ~0o7777 not in (0, TYPES[typeflag])):
        raise BrokenArchiveError(NO_TAR)


def make_member(
    header: bytes, typeflag: str, size: int, start: int, records: Mapping[str, str], content: Iterator[bytes]
) -> Member:
    prefix, last = text(header[345:500]), text(header[:100])
    name = records.get("path", f"{prefix}/{last}" if prefix else last)
    kind = KINDS.get(typeflag, "other")
    return Member(
        name=name.removesuffix("/") if kind == "folder" else name,
        kind=kind,
        mode=octal(header[MODE]),
        owner=(octal(header[OWNER]), octal(header[GROUP])),
        modified=octal(header[MODIFIED]),
        size=size,
        start=start,
        link=records.get("linkpath", text(header[157:257])) if kind == "link" else "",
        extended=frozenset(records),
        content=content,
    )


def octal(digits: bytes) -> int:
    """A number in a header."""
    found = NUMBER.fullmatch(digits)
    if not found:
        raise BrokenArchiveError(NO_TAR)
    return int(found[1] or b"0", 8)


def text(content: bytes) -> str:
    """A text in a header; raises BrokenArchiveError if anything but zeros follows it."""
    found, _, rest = content.partition(b"\0")
    if any(rest):
        raise BrokenArchiveError(NO_TAR)
    return found.decode("utf-8", "surrogateescape")


def read_records(content: bytes) -> dict[str, str]:
    """The records of an extended header by keyword; those that change how content is read are rejected."""
    found = {}
    at = count = 0
    while at < len(content):
        match = RECORD_BEGINS.match(content, at)
        end = at + int(match[1]) if match else 0
        if match is None or not match.end() < end <= len(content) or content[end - 1 : end] != b"\n":
            raise BrokenArchiveError(NO_TAR)
        found[match[2].decode()] = content[match.end() : end - 1].decode("utf-8", "surrogateescape")
        at = end
        count += 1
        if count > MOST_RECORDS:
            raise BrokenArchiveError(TOO_LARGE_HEADER)
    if "size" in found or any(keyword.startswith("GNU.sparse") for keyword in found):
        raise BrokenArchiveError("it holds what is not written here: sparse files, or files of more than 8 GiB")
    return found
