"""Finds and reads the files to resolve, as kubectl does."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.config.options import STANDARD_INPUT
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.system.files import LONGEST_PATH, open_regular
from pystatic_tasks.system.texts import printable

ENDINGS = (".json", ".yaml", ".yml")  # Of files in a folder.
LARGEST_BYTES = 16 * 10**6
BYTE_ORDER_MARK = "\ufeff"
# https://yaml.org/spec/1.2.2/#51-character-set
NOT_OF_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A text to resolve.

    Attributes:
        name: Its name in messages: its path, relative to the project's folder if it lies there, or "standard input".
        text: Its content with its line ends, without a byte order mark.
    """

    name: str
    text: str


def read_sources(root: Path, names: Sequence[str], *, recursive: bool) -> list[Source]:
    """Read the files that these names stand for, without duplicates: in this order, and by name within a folder.

    Args:
        root: The project's folder; the names are relative to it.
        names: Paths of files with any name; of folders, whose files with `ENDINGS` are read;
            or `STANDARD_INPUT`.
        recursive: Whether subfolders are read too; links to folders are not followed there.

    Raises:
        ConfigError: something does not exist, cannot be read, is too large or is not text.
    """
    found: dict[str, Source] = {}
    for name in names:
        if name == STANDARD_INPUT:
            if name not in found:
                found[name] = read_standard_input()
            continue
        try:
            paths = find_files(root / name, recursive=recursive)
            if not paths:
                raise no_files(name, recursive=recursive)
            for path in paths:
                place = str(path.resolve())
                if place not in found:
                    found[place] = read_file(root, path)
        except OSError as error:
            raise ConfigError(
                f"Cannot read {shown(root, Path(error.filename or name))}: {error.strerror}.",
                "Name existing files and folders; after Nox's --, paths are relative to the project's folder.",
            ) from None
    return list(found.values())


def find_files(path: Path, *, recursive: bool) -> list[Path]:
    """The file itself, or the files in a folder."""
    return list(files_in(path, recursive=recursive)) if path.is_dir() else [path]


def files_in(folder: Path, *, recursive: bool) -> Iterator[Path]:
    # Without recursion: folders may be nested deeper than Python's stack allows.
    waiting = sorted(folder.iterdir(), reverse=True)
    while waiting:
        path = waiting.pop()
        if path.is_dir():
            if recursive and not path.is_symlink():
                waiting += sorted(path.iterdir(), reverse=True)
        elif path.suffix in ENDINGS:
            yield path


def no_files(folder: str, *, recursive: bool) -> ConfigError:
    below = " or its subfolders" if recursive else ""
    return ConfigError(
        f"No file in the folder {folder}{below} ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}.",
        "Name another folder." if recursive else "Name another folder, or add --recursive to read its subfolders too.",
    )


def read_file(root: Path, path: Path) -> Source:
    with open_regular(path) as file:
        return to_source(shown(root, path), file.read(LARGEST_BYTES + 1))


def read_standard_input() -> Source:
    return to_source("standard input", sys.stdin.buffer.read(LARGEST_BYTES + 1))


def to_source(name: str, content: bytes) -> Source:
    """The content as text.

    Raises:
        ConfigError: it is too large, not UTF-8, or has characters that YAML does not allow.
    """
    if len(content) > LARGEST_BYTES:
        raise ConfigError(
            f"{name} is larger than {LARGEST_BYTES // 10**6} MB.", "Name only files that are meant for a cluster."
        )
    try:
        text = content.decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{name}, line {line}: the byte 0x{content[error.start]:02x} is not valid UTF-8.",
            "Save it as UTF-8, or name only YAML files.",
        ) from None
    wrong = NOT_OF_YAML.search(text)
    if wrong:
        line = text.count("\n", 0, wrong.start()) + 1
        raise ConfigError(
            f"{name}, line {line}: the character U+{ord(wrong[0]):04X} is not allowed in YAML.",
            "Remove it, or name only YAML files.",
        )
    return Source(name=name, text=text)


def shown(root: Path, path: Path) -> str:
    """A path for messages; files in a folder may have any name."""
    return printable(str(path.relative_to(root) if path.is_relative_to(root) else path), LONGEST_PATH)
