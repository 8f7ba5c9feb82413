"""Finds what requirements files name on this machine: other such files, folders of wheels, and editable projects.

Their format: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

from __future__ import annotations

import codecs
import contextlib
import html
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pystatic_tasks.system.files import read_source

INCLUDING = ("-r", "--requirement", "-c", "--constraint")
LOOKING = ("-f", "--find-links", "-i", "--index-url", "--extra-index-url")
EDITABLE = ("-e", "--editable")
# Byte order marks by which pip recognises encodings, the longest first; PowerShell's redirections write UTF-16.
MARKS = {
    **{codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8-sig"},
    **{codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"},
}
CONTINUED = re.compile(r"\\\r?\n")
# Elsewhere, "#" is part of a word.
COMMENT = re.compile(r"(?:^|\s)#.*")
LINK = re.compile(r"""\bhref\s*=\s*["']?([^"'\s>#]+)""", re.IGNORECASE)
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")


@dataclass(frozen=True, kw_only=True)
class Named:
    """What requirements files name on this machine.

    Attributes:
        files: Requirements and constraints files, without duplicates.
        places: Folders and pages to search for packages.
        editable: Folders of projects to install as editable.
    """

    files: tuple[Path, ...]
    places: tuple[Path, ...]
    editable: tuple[Path, ...]


def read_all(files: Iterable[Path]) -> Named:
    """These files, and everything that they name directly or indirectly."""
    waiting, seen = list(files), list[Path]()
    places, editable = dict[Path, None](), dict[Path, None]()
    while waiting:
        file = placed(waiting.pop(0))
        if not file.is_file() or file in seen:
            continue
        seen.append(file)
        for option, value in options(read_requirements(file)):
            if option in INCLUDING:
                waiting += paths_of(value, [file.parent])
            elif option in EDITABLE:
                editable |= dict.fromkeys(there(value.partition("[")[0], file))
            else:
                places |= dict.fromkeys(there(value, file))
    return Named(files=tuple(seen), places=tuple(places), editable=tuple(editable))


def there(value: str, file: Path) -> Iterator[Path]:
    """The existing paths that a value in a file may mean: beside the file, or in pip's working directory."""
    return filter(Path.exists, paths_of(value, [file.parent, Path.cwd()]))


def read_requirements(file: Path) -> str:
    """The text of a requirements file, decoded by its byte order mark."""
    content = file.read_bytes()
    encoding = next((MARKS[mark] for mark in MARKS if content.startswith(mark)), "utf-8")
    return content.decode(encoding, errors="replace")


def requirement_lines(text: str) -> Iterator[str]:
    """The requirements in a file, without comments and options of their own."""
    for line in lines_of(text):
        requirement = line.partition(" --")[0].strip()
        if requirement and not requirement.startswith("-"):
            yield requirement


def options(text: str) -> Iterator[tuple[str, str]]:
    """The options in a file that name files, folders or pages, each with its value."""
    for line in lines_of(text):
        words = words_of(line)
        for number, word in enumerate(words):
            name, equals, value = word.partition("=")
            if name in (*INCLUDING, *LOOKING, *EDITABLE):
                following = words[number + 1] if number + 1 < len(words) else ""
                yield name, value if equals else following
            elif word[:2] in ("-r", "-c", "-f", "-i", "-e") and not word.startswith("--"):
                yield word[:2], word[2:]


def lines_of(text: str) -> Iterator[str]:
    """The lines of a file, continued ones joined, without comments, and with the caller's variables filled in."""
    for line in CONTINUED.sub("", text).splitlines():
        yield VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), COMMENT.sub("", line))


def words_of(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def paths_of(value: str, folders: Iterable[Path]) -> list[Path]:
    """The paths that a value may mean from each of these folders; none if it is not on this machine."""
    if value.startswith("file:"):
        value = unquote(urlsplit(value).path)
    if "://" in value or not value:
        return []
    return [placed(folder / value) for folder in folders]


def linked_from(page: Path) -> Iterator[Path]:
    """The files on this machine, existing or not, that a page with links to packages names."""
    try:
        text = read_source(page).decode("utf-8", errors="replace")
    except OSError:
        return
    for link in LINK.findall(text):
        # Any page may lie beside packages, with links that are not paths.
        with contextlib.suppress(OSError, ValueError):
            paths = paths_of(unquote(html.unescape(link)), [page.parent])
            yield from (path for path in paths if not path.is_dir() and "\0" not in str(path))


def placed(path: Path) -> Path:
    """A path with the links in its folder resolved, but not the file: it names others relative to the link."""
    if path.name in ("", ".."):
        return Path(os.path.realpath(path))
    return Path(os.path.realpath(path.parent), path.name)
