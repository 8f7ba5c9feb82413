"""What requirements files name on this machine: other such files, and folders with wheels.

Their format: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

INCLUDING = ("-r", "--requirement", "-c", "--constraint")
LOOKING = ("-f", "--find-links", "-i", "--index-url", "--extra-index-url")
CONTINUED = re.compile(r"\\\n")
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")


@dataclass(frozen=True, kw_only=True)
class Named:
    """Requirements and constraints files, each once, and folders that packages are looked for in."""

    files: tuple[Path, ...]
    folders: tuple[Path, ...]


def read_all(files: Iterable[Path]) -> Named:
    """These files, and all that they name, and what that names."""
    waiting, seen, folders = list(files), list[Path](), list[Path]()
    while waiting:
        file = waiting.pop(0).resolve()
        if not file.is_file() or file in seen:
            continue
        seen.append(file)
        for option, value in options(file.read_text(encoding="utf-8", errors="replace")):
            if option in INCLUDING:
                waiting += paths_of(value, [file.parent])
            else:
                # What is not beside the file, pip looks for where it is started.
                folders += filter(Path.is_dir, paths_of(value, [file.parent, Path.cwd()]))
    return Named(files=tuple(seen), folders=tuple(dict.fromkeys(folders)))


def options(text: str) -> Iterator[tuple[str, str]]:
    """The options of a file that name others, each with its value."""
    for line in CONTINUED.sub("", text).splitlines():
        words = words_of(VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), line))
        for number, word in enumerate(words):
            name, equals, value = word.partition("=")
            if name in (*INCLUDING, *LOOKING):
                following = words[number + 1] if number + 1 < len(words) else ""
                yield name, value if equals else following
            elif word[:2] in ("-r", "-c", "-f", "-i") and not word.startswith("--"):
                yield word[:2], word[2:]


def words_of(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


def paths_of(value: str, folders: Iterable[Path]) -> list[Path]:
    """What a value may name on this machine, from each of these folders; nothing if it is elsewhere."""
    if value.startswith("file:"):
        value = unquote(urlsplit(value).path)
    if "://" in value or not value:
        return []
    return [Path(os.path.normpath(folder / value)) for folder in folders]
