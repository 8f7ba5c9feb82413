"""What the bytes of a file say of secrets in it, and those of the files in an archive."""

from __future__ import annotations

import base64
import bz2
import contextlib
import gzip
import io
import itertools
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pystatic_tasks.steps.secrets.names import PRIVATE_KEY, reason_of_name
from pystatic_tasks.system.redaction import holds_password

PASSWORD_IN_URL = "a URL with a password"
# As JSON, Python, JavaScript, C, URLs and XML may write any character, by its number or after a backslash; and as XML
# writes what has a name there. Each begins with one character, which takes least time to look for.
ESCAPED = [
    re.compile(pattern)
    for pattern in (
        rb"\\(?:(?:u00|x|U0{6})(?P<hex>[0-7][\da-fA-F])|u\{0*(?P<braced>[0-7]?[\da-fA-F])\}"
        rb"|(?P<octal>[01][0-7]{2}|[0-7]{2}(?![0-7]))|(?P<itself>[^\t\n\r\v\f\\\dbftuvx]))",
        rb"%(?P<hex>[0-7][\da-fA-F])",
        rb"&(?:#[xX]0*(?P<hex>[0-7]?[\da-fA-F]);|#0*(?P<decimal>\d\d?|1[01]\d|12[0-7]);|(?P<named>amp|apos|gt|lt|quot);)",
    )
]
# Of the number in each of these groups; what stands in the other is the character itself, or one of these.
BASES = {"hex": 16, "braced": 16, "octal": 8, "decimal": 10}
LINE_ENDS = {b"r": b"\r", b"n": b"\n"}
NAMED = {b"amp": b"&", b"apos": b"'", b"gt": b">", b"lt": b"<", b"quot": b'"'}
# How often what is unescaped is escaped again.
ESCAPED_LEVELS = 4
# The first of them may be short; the lines of prose have spaces.
KEY_LINES = rb"(?:[A-Za-z0-9+/=](?:[ \t]*[\r\n\v\f][\s\\]*)?){24}"
BEGIN = re.compile(rb"-----?[ +]?BEGIN[ +](?:[A-Z0-9]+[ +])*PRIVATE[ +]KEY(?:[ +]BLOCK)?[ +]?-----?")
# What follows that, by itself: lines of a key, or a header of it.
KEY = re.compile(rb"[\s\\]*" + KEY_LINES + rb"|[\s\\]+[A-Za-z-]+:[ +]")
PUTTY_KEY = re.compile(rb"PuTTY-User-Key-File-\d")
# In capitals or in small letters, as Bech32 has it.
AGE_KEY = re.compile(rb"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{58}|age-secret-key-(?:pq-)?1[0-9a-z]{58}")
# What may be one of its lines, whatever stands around it; they go on up to what ends the key or begins another.
RUN = re.compile(rb"[A-Za-z0-9+/=]{8,400}")
KEY_END = b"----"
# How much of that makes a key, and how much else may stand before each line: headers, and what makes it a list.
KEY_BYTES = 32
BETWEEN_RUNS = 400
# Names have not all of these, and numbers in base 16 neither. In Base64 more than half of the characters are of another
# kind than that before them; in what is the same in all keys some less.
KINDS = [re.compile(kind) for kind in (rb"[g-z]", rb"[G-Z]", rb"[\d+/]")]
CHANGE = re.compile(rb"(?<=[a-z])[^a-z]|(?<=[A-Z])[^A-Z]|(?<=\d)\D")
CHANGES, CHANGES_IN_LONG_RUNS = 0.4, 0.2
LONG_RUN = 40
# Without one of these there is no key; to look for them takes less time.
KEY_WORDS = (b"PRIVATE", b"PuTTY", b"AGE-SECRET", b"age-secret")
# What of the Base64 of "-----BEGIN" is always the same, by how many of its characters before that are not.
ENCODED_BEGIN = {0: rb"LS0tLS1CRUdJT", 2: rb"0tLS0tQkVHSU", 3: rb"tLS0tLUJFR0lO"}
ENCODED_PEM = {before: re.compile(begin + rb"(?=([A-Za-z0-9+/_-]{24,400}))") for before, begin in ENCODED_BEGIN.items()}
# It is in each of them.
ENCODED_DASHES = b"LS0t"
ENCODED_RUN = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
# Of tools that install packages: files that are often published, but not with a password in a URL.
WITH_URLS = (
    *("pip.conf", "pip.ini", "*requirements*.txt", "*requirements*.in", "*constraints*.txt", ".gitmodules"),
    *("pyproject.toml", "uv.toml", "poetry.toml", "pipfile", "*.lock", "environment.y*ml"),
    *("requires.txt", "dependency_links.txt"),
)
METADATA = ("metadata", "pkg-info")
# Of METADATA the headers, folded or not, but for whole texts among them: the project's readme stands in it too.
EMPTY_LINE = re.compile(r"^\r?\n", re.MULTILINE)
HEADER = re.compile(
    r"^(?!(?:Description|License)[ \t]*:)[\w-]+[ \t]*:(.*(?:\r?\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE
)
# How much of a file is looked at; no key and no file of settings is larger.
READ_BYTES = 8 * 2**20
# How much is unpacked of what is compressed as one; how much is looked at of an archive and of those in it, in bytes
# and in files; and how deep. A compressed tar is two.
UNPACKED_BYTES = 64 * 2**20
ARCHIVE_BYTES = 128 * 2**20
ARCHIVE_FILES = 20_000
ARCHIVE_DEPTH = 4
BLOCK_BYTES = 2**16
STEP_BYTES = 2**8
HEADED_BYTES = 2**12
DECOMPRESSORS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
SUFFIXES = ("gz", "bz2", "xz")
# In a zip: of a file, and of its entry in the directory.
FILE_IN_ZIP, ENTRY_OF_ZIP = b"PK\3\4", b"PK\1\2"
# The mark, the method, the bytes of the content as it stands there and of the name, and of what follows that.
HEADER_IN_ZIP = struct.Struct("<4s4xH8xL4xHH")
# Method, bytes, those of the name, and where the file's own header is.
ENTRY_HEADER = struct.Struct("<10xH8xL4xH12xL")
# It may hold 64 KiB of whatever anybody likes before the name.
LARGEST_GZIP_HEADER = 2**17
# What is raised for what is damaged, cut off, encrypted, too large, compressed in an unknown way, or no archive at all.
UNREADABLE = (
    *(OSError, EOFError, ValueError, RuntimeError, MemoryError, IndexError, OverflowError),
    *(struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
)


Stream = io.BufferedReader | io.BytesIO
Entry = TypeVar("Entry")


class Readable(Protocol):
    """What gives its next bytes, some of them, and b"" at its end."""

    def read1(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file in an archive.

    Attributes:
        names: What it is called there, at least one; "" if it has none.
        content: The beginning of it, as far as it can be read.
    """

    names: Sequence[str]
    content: bytes = b""


@dataclass(kw_only=True)
class Budget:
    """How much may still be looked at, of an archive and of those in it: bytes that are left, and files."""

    left: int = ARCHIVE_BYTES
    files: int = ARCHIVE_FILES

    def read(self, stream: Readable, limit: int) -> bytes:
        content = read_bytes(stream, min(limit, self.left))
        self.left -= len(content)
        return content

    def files_of(self, found: Iterable[Entry]) -> Iterator[Entry]:
        """Those that may still be looked at."""
        for each in found:
            if self.files == 0:
                return
            self.files -= 1
            yield each


class Headed(io.RawIOBase):
    """A stream with a header that it lacks."""

    def __init__(self, header: bytes, stream: Stream) -> None:
        self.header = header
        self.stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece, self.header = self.header[: len(buffer)], self.header[len(buffer) :]
        piece = piece or self.stream.read(min(len(buffer), HEADED_BYTES))
        buffer[: len(piece)] = piece
        return len(piece)


def of_deflate(stream: Stream) -> Readable:
    return gzip.GzipFile(fileobj=Headed(b"\x1f\x8b\x08" + bytes(7), stream))


def of_lzma(stream: Stream) -> Readable:
    """A zip has the properties without the size that follows them otherwise, which may be unknown."""
    properties = stream.read(9)[4:]
    return lzma.LZMAFile(io.BufferedReader(Headed(properties + b"\xff" * 8, stream)), format=lzma.FORMAT_ALONE)


# What in a zip is not stored as it is.
METHODS: dict[int, Callable[[Stream], Readable]] = {8: of_deflate, 12: bz2.BZ2File, 14: of_lzma}


def reason_of_file(path: Path, names: Iterable[str] = ()) -> str:
    """Why a file must not get into an image by accident, by what it holds, or "".

    Args:
        path: The file.
        names: What it is called besides.
    """
    known = list(dict.fromkeys([path.name, *names]))
    with path.open("rb") as stream:
        content = stream.read(READ_BYTES)
        return reason_of_archive(known, stream, Budget()) or reason_of_content(known, content)


def reason_of_content(names: Iterable[str], content: bytes) -> str:
    """Why a file of these names must not, by the beginning of its content, or ""."""
    if holds_key(content):
        return PRIVATE_KEY
    return next((PASSWORD_IN_URL for name in names if holds_password_of(name, content)), "")


def holds_password_of(name: str, content: bytes) -> bool:
    """Whether a file is one of those that are looked through for URLs, and there is a password in one."""
    name = name.casefold()
    if name not in METADATA and not any(fnmatchcase(name, each) for each in WITH_URLS):
        return False
    text = content.decode("utf-8", errors="replace")
    return any(map(holds_password, headers(text) if name in METADATA else text.splitlines()))


def headers(metadata: str) -> Iterator[str]:
    """What stands in the headers, up to the empty line, each in one line."""
    head = EMPTY_LINE.split(metadata, maxsplit=1)[0]
    return (" ".join(header.split()) for header in HEADER.findall(head))


def holds_key(content: bytes) -> bool:
    """Whether there is a private key in it, also in UTF-16 and UTF-32, whose letters have zeros beside them."""
    return any(map(has_key, {content, content.replace(b"\0", b"")}))


def has_key(content: bytes) -> bool:
    return any(has_key_bytes(each) or any(map(has_key_bytes, encoded_pems(each))) for each in levels(content))


def levels(content: bytes) -> Iterator[bytes]:
    """The content unescaped once, and again for as long as something in it is escaped."""
    for _ in range(ESCAPED_LEVELS):
        before, content = content, unescaped(content)
        yield content
        if content == before:
            return


def has_key_bytes(content: bytes) -> bool:
    if not any(word in content for word in KEY_WORDS):
        return False
    text = unescaped(content)
    if PUTTY_KEY.search(text) or AGE_KEY.search(text):
        return True
    return any(is_key(text, begin.end()) for begin in BEGIN.finditer(text))


def is_key(text: bytes, start: int) -> bool:
    """Whether a key follows on its first line, alone or with anything around each of its lines."""
    if KEY.match(text, start):
        return True
    end = text.find(KEY_END, start)
    found = 0
    for run in RUN.finditer(text, start, end if end >= 0 else len(text)):
        if run.start() - start > BETWEEN_RUNS:
            return False
        if is_base64(run[0]):
            found, start = found + len(run[0]), run.end()
        if found >= KEY_BYTES:
            return True
    return False


def is_base64(run: bytes) -> bool:
    """Whether letters and digits are mixed as in Base64, unlike in words, names and numbers."""
    least = CHANGES_IN_LONG_RUNS if len(run) >= LONG_RUN else CHANGES
    return all(kind.search(run) for kind in KINDS) and len(CHANGE.findall(run)) >= least * (len(run) - 1)


def encoded_pems(content: bytes) -> Iterator[bytes]:
    """The beginnings of what is PEM once its Base64 is decoded, whatever stands between its lines."""
    texts = {content.translate(None, b" \t\r\n\v\f\\\"',")}
    if ENCODED_DASHES in content:
        texts.add(b"".join(ENCODED_RUN.findall(content)))
    for (before, pattern), text in itertools.product(ENCODED_PEM.items(), texts):
        for match in pattern.finditer(text):
            whole = b"A" * before + match[0] + match[1]
            yield base64.b64decode(whole[: len(whole) // 4 * 4], altchars=b"-_")


def unescaped(content: bytes) -> bytes:
    """The content with its escaped characters of ASCII as themselves."""
    # In a string in a string.
    while b"\\\\" in content:
        content = content.replace(b"\\\\", b"\\")
    for pattern in ESCAPED:
        content = pattern.sub(character, content)
    return content


def character(match: re.Match[bytes]) -> bytes:
    group = match.lastgroup
    assert group is not None
    text = match[group]
    if group in BASES:
        return bytes([int(text, BASES[group])])
    return (NAMED if group == "named" else LINE_ENDS).get(text, text)


def reason_of_archive(names: Iterable[str], stream: Stream, budget: Budget, depth: int = ARCHIVE_DEPTH) -> str:
    """Why an archive of these names must not, by the first of its files that must not; "" of what is no archive."""
    reasons = (reason_of_member(each, budget, depth - 1) for each in members(names, stream, budget))
    return next(filter(None, reasons), "") if depth else ""


def reason_of_member(member: Member, budget: Budget, depth: int) -> str:
    """The same of a file in it, which may be an archive too."""
    # On Windows some programs put paths of that system into archives.
    paths = [name.replace("\\", "/") for name in member.names]
    inside = reason_of_archive(paths, io.BytesIO(member.content), budget, depth) if member.content else ""
    return inside or reason_of_paths(paths) or reason_in_it(paths, member.content[:READ_BYTES])


def reason_of_paths(paths: Iterable[str]) -> str:
    found = ((reason_of_name(path), path) for path in paths)
    return next((in_it(reason, path) for reason, path in found if reason), "")


def reason_in_it(paths: Sequence[str], content: bytes) -> str:
    if holds_key(content):
        return in_it(PRIVATE_KEY, paths[0])
    found = (path for path in paths if holds_password_of(path.rpartition("/")[2], content))
    return next((in_it(PASSWORD_IN_URL, path) for path in found), "")


def in_it(reason: str, path: str) -> str:
    return f"{reason} in it, {path}" if path else f"{reason} in it"


def members(names: Iterable[str], stream: Stream, budget: Budget) -> Iterator[Member]:
    """What is in an archive, as far as it can be read."""
    for kind in (members_of_zip, partial(decompressed, names), members_of_tar) if budget.files else ():
        stream.seek(0)
        with contextlib.suppress(*UNREADABLE):
            yield from kind(stream, budget)


def members_of_zip(stream: Stream, budget: Budget) -> Iterator[Member]:
    """Files by their entries in the directory and by their own headers, since readers believe one or the other."""
    for entry in budget.files_of(entries_of_zip(stream)):
        names, contents = [entry.filename], [b""]
        with contextlib.suppress(*UNREADABLE):
            name, contents = file_in_zip(stream, entry, budget)
            names = list(dict.fromkeys([name, *names]))
        yield from (Member(names=names, content=content) for content in contents)


def file_in_zip(stream: Stream, entry: zipfile.ZipInfo, budget: Budget) -> tuple[str, list[bytes]]:
    """The name in a file's own header, and the beginning of the content by each method that is said to be its.

    Raises:
        BadZipFile, struct.error: there is no such header.
    """
    stream.seek(entry.header_offset)
    mark, method, size, name_bytes, more_bytes = HEADER_IN_ZIP.unpack(stream.read(HEADER_IN_ZIP.size))
    if mark != FILE_IN_ZIP:
        raise zipfile.BadZipFile
    name = stream.read(name_bytes).decode(errors="replace")
    start, stored = stream.tell() + more_bytes, max(size, entry.compress_size)
    contents = []
    for each in sorted({method, entry.compress_type}, reverse=True):
        stream.seek(start)
        with contextlib.suppress(*UNREADABLE):
            if each in METHODS:
                contents.append(budget.read(METHODS[each](stream), READ_BYTES))
            else:
                contents.append(budget.read(stream, min(stored, READ_BYTES)))
    return name, contents or [b""]


def entries_of_zip(stream: Stream) -> Iterator[zipfile.ZipInfo]:
    """The entries of the directory; one that asks for a later program than Python's hides none of the others."""
    try:
        with zipfile.ZipFile(stream) as archive:
            yield from archive.infolist()
    except NotImplementedError:
        for start in places_of(ENTRY_OF_ZIP, stream):
            stream.seek(start)
            entry = zipfile.ZipInfo()
            header = ENTRY_HEADER.unpack(stream.read(ENTRY_HEADER.size))
            entry.compress_type, entry.compress_size, name_bytes, entry.header_offset = header
            entry.filename = stream.read(name_bytes).decode(errors="replace")
            yield entry


def places_of(mark: bytes, stream: Stream) -> Iterator[int]:
    """Where a mark stands in a stream, which may be read and moved meanwhile."""
    start = 0
    while True:
        stream.seek(start)
        block = stream.read(BLOCK_BYTES)
        place = block.find(mark)
        if place >= 0:
            yield start + place
            start += place + len(mark)
        elif len(block) < BLOCK_BYTES:
            return
        else:
            start += BLOCK_BYTES - len(mark) + 1


def decompressed(names: Iterable[str], stream: Stream, budget: Budget) -> Iterator[Member]:
    """The one file in what is compressed: by its names without their suffix, and by the name that gzip notes."""
    head = stream.read(LARGEST_GZIP_HEADER)
    stream.seek(0)
    for magic, opened in DECOMPRESSORS.items():
        if head.startswith(magic):
            inner = [*map(without_suffix, names), noted_name(head) if opened is gzip.open else ""]
            with opened(stream) as inside:
                content = budget.read(inside, UNPACKED_BYTES)
            yield Member(names=list(filter(None, inner)) or [""], content=content)


def without_suffix(name: str) -> str:
    stem, _, suffix = name.rpartition(".")
    return stem if suffix.casefold() in SUFFIXES else ""


def noted_name(header: bytes) -> str:
    """The name of the file that a gzip was made of, or "": https://www.rfc-editor.org/rfc/rfc1952#page-5"""
    has_more, has_name = header[3] & 4, header[3] & 8
    start = 12 + int.from_bytes(header[10:12], "little") if has_more else 10
    return header[start:].partition(b"\0")[0].decode("latin-1") if has_name else ""


def members_of_tar(stream: Stream, budget: Budget) -> Iterator[Member]:
    """Of each file there is what stands in the archive, without the holes of a sparse one."""
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in budget.files_of(archive):
            # Some versions of Python are led back by it, as often as one likes (CVE-2025-8194).
            if archive.offset <= member.offset:
                return
            stream.seek(member.offset_data)
            there = min(member.size, archive.offset - member.offset_data, READ_BYTES)
            yield Member(names=[member.name], content=budget.read(stream, max(there, 0)))


def read_bytes(stream: Readable, limit: int) -> bytes:
    """The beginning of a stream, as far as it can be read."""
    content = bytearray()
    with contextlib.suppress(*UNREADABLE):
        # In steps so small that hardly anything before damaged bytes is lost with them.
        while block := stream.read1(min(STEP_BYTES, limit - len(content))):
            content += block
    return bytes(content)
