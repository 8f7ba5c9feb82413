"""Searches the content of a file for secrets, including the files in an archive."""

from __future__ import annotations

import base64
import bz2
import contextlib
import gzip
import hashlib
import io
import itertools
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pystatic_tasks.steps.secrets.names import PRIVATE_KEY, originals, reason_of_name
from pystatic_tasks.system.redaction import holds_password

PASSWORD_IN_URL = "a URL with a password"
# Escapes of characters in JSON, Python, JavaScript, C, URLs and XML: by number, after a backslash, or by name in XML.
# Each pattern begins with a single character, which is the fastest to search for.
ESCAPED = [
    re.compile(pattern)
    for pattern in (
        rb"\\(?:(?:u00|x|U0{6})(?P<hex>[0-7][\da-fA-F])|u\{0*(?P<braced>[0-7]?[\da-fA-F])\}"
        rb"|(?P<octal>[01][0-7]{2}|[0-7]{2}(?![0-7]))|(?P<itself>[^\t\n\r\v\f\dbftuvx]))",
        rb"%(?P<hex>[0-7][\da-fA-F])",
        rb"&(?:#[xX]0*(?P<hex>[0-7]?[\da-fA-F]);|#0*(?P<decimal>\d\d?|1[01]\d|12[0-7]);|(?P<named>amp|apos|gt|lt|quot);)",
    )
]
# The base of the number in each of these groups; other groups contain the character itself, or one of the names below.
BASES = {"hex": 16, "braced": 16, "octal": 8, "decimal": 10}
LINE_ENDS = {b"r": b"\r", b"n": b"\n"}
NAMED = {b"amp": b"&", b"apos": b"'", b"gt": b">", b"lt": b"<", b"quot": b'"'}
# How many levels of escaping are undone.
ESCAPED_LEVELS = 4
# Lines of a key, of which the first may be short; unlike prose they have no spaces.
KEY_LINES = rb"(?:[A-Za-z0-9+/=](?:[ \t]*[\r\n\v\f][\s\\]*)?){24}"
BEGIN = re.compile(rb"-----?[ +]?BEGIN[ +](?:[A-Z0-9]+[ +])*PRIVATE[ +]KEY(?:[ +]BLOCK)?[ +]?-----?")
# What directly follows that: lines of a key, or a header of it.
KEY = re.compile(rb"[\s\\]*" + KEY_LINES + rb"|[\s\\]+[A-Za-z-]+:[ +]")
PUTTY_KEY = re.compile(rb"PuTTY-User-Key-File-\d")
# In upper or in lower case, as in Bech32.
AGE_KEY = re.compile(rb"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{58}|age-secret-key-(?:pq-)?1[0-9a-z]{58}")
# A possible line of a key, whatever is around it; lines continue up to the end of the key or the begin of another.
RUN = re.compile(rb"[A-Za-z0-9+/=]{8,400}")
KEY_END = b"----"
# How many characters of lines make a key, and how many others may precede each line: headers, and syntax of a list.
KEY_BYTES = 32
BETWEEN_RUNS = 400
# Names and hexadecimal numbers do not contain all of these. In Base64 more than half of the characters differ in kind
# from the one before; somewhat fewer in the part that is the same in all keys.
KINDS = [re.compile(kind) for kind in (rb"[g-z]", rb"[G-Z]", rb"[\d+/]")]
CHANGE = re.compile(rb"(?<=[a-z])[^a-z]|(?<=[A-Z])[^A-Z]|(?<=\d)\D")
CHANGES, CHANGES_IN_LONG_RUNS = 0.4, 0.2
LONG_RUN = 40
# Every key contains one of these; searching for them is faster.
KEY_WORDS = (b"PRIVATE", b"PuTTY", b"AGE-SECRET", b"age-secret")
# The constant part of the Base64 of "-----BEGIN", by the number of characters before it that vary.
ENCODED_BEGIN = {0: rb"LS0tLS1CRUdJT", 2: rb"0tLS0tQkVHSU", 3: rb"tLS0tLUJFR0lO"}
ENCODED_PEM = {before: re.compile(begin + rb"(?=([A-Za-z0-9+/_-]{24,400}))") for before, begin in ENCODED_BEGIN.items()}
# Each of them contains it.
ENCODED_DASHES = b"LS0t"
ENCODED_RUN = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
# Files of package installers, which are often published, but must not contain a password in a URL.
WITH_URLS = (
    *("pip.conf", "pip.ini", "*requirements*.txt", "*requirements*.in", "*constraints*.txt", ".gitmodules"),
    *("pyproject.toml", "uv.toml", "poetry.toml", "pipfile", "*.lock", "pylock.toml", "pylock.*.toml"),
    *("environment.y*ml", "requires.txt", "dependency_links.txt"),
)
METADATA = ("metadata", "pkg-info")
# The headers of METADATA, folded or not, without long texts such as the project's readme.
EMPTY_LINE = re.compile(r"^\r?\n", re.MULTILINE)
HEADER = re.compile(
    r"^(?!(?:Description|License)[ \t]*:)[\w-]+[ \t]*:(.*(?:\r?\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE
)
# How much of a file is searched, in bytes; no key and no file of settings is larger.
READ_BYTES = 8 * 2**20
# Limits for one compressed stream in bytes; for an archive including nested ones, in bytes and in files; and for the
# depth of nesting. A compressed tar counts as two levels.
UNPACKED_BYTES = 64 * 2**20
ARCHIVE_BYTES = 128 * 2**20
ARCHIVE_FILES = 20_000
ARCHIVE_DEPTH = 4
BLOCK_BYTES = 2**16
STEP_BYTES = 2**8
HEADED_BYTES = 2**12
# Marks in a zip: of a file, and of its entry in the directory.
FILE_IN_ZIP, ENTRY_OF_ZIP = b"PK\3\4", b"PK\1\2"
# The mark, the method, and the lengths in bytes of the compressed content, the name and the extra field.
HEADER_IN_ZIP = struct.Struct("<4s4xH8xL4xHH")
# The method, the checksum, the lengths in bytes of the compressed content and the name, and the place of the file's own
# header.
ENTRY_HEADER = struct.Struct("<10xH4xLL4xH12xL")
# The header of a gzip may contain 64 KiB of any data before the name.
LARGEST_GZIP_HEADER = 2**17
# Errors for damaged, truncated, encrypted, too large or unknown archives, and for files that are none.
UNREADABLE = (
    *(OSError, EOFError, ValueError, RuntimeError, MemoryError, IndexError, OverflowError),
    *(struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
)


Stream = io.BufferedReader | io.BytesIO
Entry = TypeVar("Entry")


class Readable(Protocol):
    """A stream that returns some of its next bytes, and b"" at its end."""

    def read1(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file in an archive.

    Attributes:
        names: Its names there, at least one; "" if it has no name.
        content: The beginning of its content, as far as it can be read.
    """

    names: Sequence[str]
    content: bytes = b""


@dataclass(kw_only=True)
class Budget:
    """How much of an archive and its nested archives may still be searched.

    Attributes:
        left: Bytes.
        files: Files.
        searched: Zips that were searched, each with the depth of nesting that was left.
    """

    left: int = ARCHIVE_BYTES
    files: int = ARCHIVE_FILES
    searched: dict[bytes, int] = field(default_factory=dict)

    def is_new(self, zipped: bytes, depth: int) -> bool:
        """Whether a zip has not been searched yet, or less deeply; from now on it has been."""
        before = self.searched.get(zipped, 0)
        self.searched[zipped] = max(before, depth)
        return before < depth

    def read(self, stream: Readable, limit: int) -> bytes:
        content = read_bytes(stream, min(limit, self.left))
        self.left -= len(content)
        return content

    def files_of(self, found: Iterable[Entry]) -> Iterator[Entry]:
        """The entries that may still be searched."""
        for each in found:
            if self.files == 0:
                return
            self.files -= 1
            yield each


class Headed(io.RawIOBase):
    """A stream with a header put before it."""

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


class Xz:
    """The content of an xz file: of its streams one after another, with any padding between them."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ)

    def read1(self, size: int, /) -> bytes:
        content = b""
        while size and not content and (block := self.next_block()) is not None:
            content = self.decompressor.decompress(block, size)
        return content

    def next_block(self) -> bytes | None:
        """What to decompress next, which may be nothing new; None at the end of the file."""
        if not self.decompressor.eof:
            return (self.stream.read(BLOCK_BYTES) or None) if self.decompressor.needs_input else b""
        block = self.decompressor.unused_data.lstrip(b"\0")
        while not block and (more := self.stream.read(BLOCK_BYTES)):
            block = more.lstrip(b"\0")
        self.decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ)
        return block or None


def of_deflate(stream: Stream) -> Readable:
    return gzip.GzipFile(fileobj=Headed(b"\x1f\x8b\x08" + bytes(7), stream))


def of_lzma(stream: Stream) -> Readable:
    """A zip lacks the size that otherwise follows the properties; it is given as unknown."""
    properties = stream.read(9)[4:]
    return lzma.LZMAFile(io.BufferedReader(Headed(properties + b"\xff" * 8, stream)), format=lzma.FORMAT_ALONE)


OF_GZIP = b"\x1f\x8b"
DECOMPRESSORS: dict[bytes, Callable[[Stream], Readable]] = {
    OF_GZIP: lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": Xz,
}
# The compression methods of a zip.
METHODS: dict[int, Callable[[Stream], Readable]] = {8: of_deflate, 12: bz2.BZ2File, 14: of_lzma}


def reason_of_file(path: Path, names: Iterable[str] = ()) -> str:
    """Why a file must not get into an image by accident, because of its content, or "".

    Args:
        path: The file.
        names: Further names of the file.
    """
    known = list(dict.fromkeys([path.name, *names]))
    with path.open("rb") as stream:
        content = stream.read(READ_BYTES)
        return reason_of_archive(known, stream, Budget()) or reason_of_content(known, content)


def reason_of_content(names: Iterable[str], content: bytes) -> str:
    """Why a file with these names must not, because of the beginning of its content, or ""."""
    if holds_key(content):
        return PRIVATE_KEY
    return next((PASSWORD_IN_URL for name in names if holds_password_of(name, content)), "")


def holds_password_of(name: str, content: bytes) -> bool:
    """Whether a file is one of those that are searched for URLs, and has one with a password, also in wide letters."""
    names = originals(name.casefold())
    is_metadata = any(each in METADATA for each in names)
    if not is_metadata and not any(fnmatchcase(each, pattern) for each in names for pattern in WITH_URLS):
        return False
    texts = (each.decode("utf-8", errors="replace") for each in narrow(content))
    lines = (line for text in texts for line in (headers(text) if is_metadata else text.splitlines()))
    return any(map(holds_password, lines))


def headers(metadata: str) -> Iterator[str]:
    """The values of the headers up to the first empty line, each in one line."""
    head = EMPTY_LINE.split(metadata, maxsplit=1)[0]
    return (" ".join(header.split()) for header in HEADER.findall(head))


def holds_key(content: bytes) -> bool:
    """Whether content contains a private key, also in wide letters."""
    return any(map(has_key, narrow(content)))


def narrow(content: bytes) -> set[bytes]:
    """The content, and without zeros, which letters have beside them in UTF-16 and UTF-32."""
    return {content, content.replace(b"\0", b"")}


def has_key(content: bytes) -> bool:
    return any(has_key_bytes(each) or any(map(has_key_bytes, encoded_pems(each))) for each in levels(content))


def levels(content: bytes) -> Iterator[bytes]:
    """The content unescaped once, and again as long as something in it is escaped, up to a limit."""
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
    """Whether a key follows its first line, by itself or with other text around each line."""
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
    """The decoded beginnings of PEM that is encoded in Base64, whatever is between its lines."""
    texts = {content.translate(None, b" \t\r\n\v\f\\\"',")}
    if ENCODED_DASHES in content:
        texts.add(b"".join(ENCODED_RUN.findall(content)))
    for (before, pattern), text in itertools.product(ENCODED_PEM.items(), texts):
        for match in pattern.finditer(text):
            whole = b"A" * before + match[0] + match[1]
            yield base64.b64decode(whole[: len(whole) // 4 * 4], altchars=b"-_")


def unescaped(content: bytes) -> bytes:
    """The content with escaped ASCII characters unescaped."""
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
    """Why an archive with these names must not, because of the first refused file in it; "" if it is not an archive."""
    reasons = (reason_of_member(each, budget, depth - 1) for each in members(names, stream, budget, depth))
    return next(filter(None, reasons), "") if depth else ""


def reason_of_member(member: Member, budget: Budget, depth: int) -> str:
    """The same for a file in it, which may itself be an archive."""
    # Some programs on Windows write paths with backslashes into archives.
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


def members(names: Iterable[str], stream: Stream, budget: Budget, depth: int) -> Iterator[Member]:
    """The files in an archive, as far as it can be read."""
    kinds = (partial(members_of_zip, depth=depth), partial(decompressed, names), members_of_tar)
    for kind in kinds if budget.files else ():
        stream.seek(0)
        with contextlib.suppress(*UNREADABLE):
            yield from kind(stream, budget)


def members_of_zip(stream: Stream, budget: Budget, depth: int) -> Iterator[Member]:
    """Files by their entries in the directory and by their own headers, since readers use one or the other.

    A zip at the end of a tar is found in both, and searched once.
    """
    entries = list(itertools.islice(entries_of_zip(stream), ARCHIVE_FILES))
    for entry in budget.files_of(entries) if budget.is_new(digest_of_zip(stream, entries), depth) else ():
        names, contents = [entry.filename], [b""]
        with contextlib.suppress(*UNREADABLE):
            name, contents = file_in_zip(stream, entry, budget)
            names = list(dict.fromkeys([name, *names]))
        yield from (Member(names=names, content=content) for content in contents)


def digest_of_zip(stream: Stream, entries: Sequence[zipfile.ZipInfo]) -> bytes:
    """A hash of a zip's entries and files, wherever it begins in the stream."""
    begin = min((each.header_offset for each in entries), default=0)
    end = max((each.header_offset + each.compress_size for each in entries), default=0)
    listed = [
        (each.filename, each.header_offset - begin, each.compress_type, each.compress_size, each.CRC)
        for each in entries
    ]
    digest = hashlib.sha256(repr(listed).encode(errors="surrogateescape"))
    with contextlib.suppress(*UNREADABLE):
        stream.seek(begin)
        digest.update(stream.read(min(end - begin, UNPACKED_BYTES)))
    return digest.digest()


def file_in_zip(stream: Stream, entry: zipfile.ZipInfo, budget: Budget) -> tuple[str, list[bytes]]:
    """The name in a file's own header, and the beginning of the content by each method that header or entry declares.

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
    """The entries of the directory, even if one requires features that Python's zipfile does not support."""
    try:
        with zipfile.ZipFile(stream) as archive:
            yield from archive.infolist()
    except NotImplementedError:
        for start in places_of(ENTRY_OF_ZIP, stream):
            stream.seek(start)
            entry = zipfile.ZipInfo()
            header = ENTRY_HEADER.unpack(stream.read(ENTRY_HEADER.size))
            entry.compress_type, entry.CRC, entry.compress_size, name_bytes, entry.header_offset = header
            entry.filename = stream.read(name_bytes).decode(errors="replace")
            yield entry


def places_of(mark: bytes, stream: Stream) -> Iterator[int]:
    """The positions of a mark in a stream, which may be read and moved meanwhile."""
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
    """The file in a compressed stream, with what it may be a copy of, and the name that gzip records."""
    head = stream.read(LARGEST_GZIP_HEADER)
    stream.seek(0)
    for magic, opened in DECOMPRESSORS.items():
        if head.startswith(magic):
            inner = [each for name in names for each in originals(name) if each != name]
            inner += [noted_name(head)] if magic == OF_GZIP else []
            content = budget.read(opened(stream), UNPACKED_BYTES)
            yield Member(names=list(filter(None, inner)) or [""], content=content)


def noted_name(header: bytes) -> str:
    """The original file name in a gzip header, or "": https://www.rfc-editor.org/rfc/rfc1952#page-5"""
    has_more, has_name = header[3] & 4, header[3] & 8
    start = 12 + int.from_bytes(header[10:12], "little") if has_more else 10
    return header[start:].partition(b"\0")[0].decode("latin-1") if has_name else ""


def members_of_tar(stream: Stream, budget: Budget) -> Iterator[Member]:
    """The files in a tar, with their content as stored: sparse files without holes.

    Raises:
        HeaderError: it is no tar.
    """
    tarfile.TarInfo.frombuf(stream.read(tarfile.BLOCKSIZE), "utf-8", "surrogateescape")
    # Tars can be appended to each other; the search for the next one reads all that follows the end of the first.
    continues = stream.seek(0, io.SEEK_END) <= UNPACKED_BYTES
    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:", ignore_zeros=continues) as archive:
        for member in budget.files_of(archive):
            # Some versions of Python can be led backwards without end (CVE-2025-8194).
            if archive.offset <= member.offset:
                return
            stream.seek(member.offset_data)
            there = min(member.size, archive.offset - member.offset_data, READ_BYTES)
            yield Member(names=[member.name], content=budget.read(stream, max(there, 0)))


def read_bytes(stream: Readable, limit: int) -> bytes:
    """The beginning of a stream, as far as it can be read."""
    content = bytearray()
    with contextlib.suppress(*UNREADABLE):
        # In small steps, so that hardly anything before damaged bytes is lost.
        while block := stream.read1(min(STEP_BYTES, limit - len(content))):
            content += block
    return bytes(content)
