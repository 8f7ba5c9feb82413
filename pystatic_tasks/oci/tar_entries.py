"""Which entries a tar may have so that whoever unpacks it writes nowhere but into the folder that was meant.

The rules are those of `tarfile.data_filter` (PEP 706), which Python 3.10 need not have, and stricter:
no absolute links, no links that lead out through one another, and no names that a terminal or a list of files could be
misled by, or that no file system takes.
"""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

# PATH_MAX with its final zero, and NAME_MAX, of Linux.
LONGEST_PATH = 4095
LONGEST_NAME = 255
MOST_LEVELS = 256
# Far more than any path has that is meant, and what the kernel follows in links is less.
MOST_STEPS = 1024
# Engines take it for the removal of what lower layers have.
# https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
WHITEOUT = ".wh."


def problem(name: str, link: str = "") -> str:
    """What is wrong with an entry by itself, or "".

    Args:
        name: Its name in the tar, without a leading "/".
        link: What it points to, if it is a symbolic link.
    """
    if any(unicodedata.category(letter) == "Cc" for letter in name + link):
        return "has a control character in its name"
    if any(is_too_long(path) for path in (name, link)):
        return "has a name that is too long, or too many levels"
    parts = name.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        return "is no path below the root"
    if any(part.startswith(WHITEOUT) for part in parts):
        return "is the mark of a removed file"
    if link.startswith("/"):
        return f"is a link to the absolute path {link}"
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
    return f"is a link out of the root, to {link}" if target.split("/")[0] == ".." else ""


def is_too_long(path: str) -> bool:
    parts = [part.encode("utf-8", "surrogateescape") for part in path.split("/")]
    total = sum(map(len, parts)) + len(parts) - 1
    return total > LONGEST_PATH or len(parts) > MOST_LEVELS or max(map(len, parts)) > LONGEST_NAME


@dataclass(frozen=True)
class Link:
    """What a symbolic link of an image points to."""

    target: str


@dataclass(frozen=True)
class Folder:
    """What stands in a folder of an image, by name; None for a file."""

    members: dict[str, Folder | Link | None] = field(default_factory=dict)


class Root:
    """The root of an image, as its entries make it one after the other."""

    def __init__(self) -> None:
        self.top = Folder()

    def add(self, name: str, *, link: str = "", is_folder: bool = False) -> str:
        """Put an entry in, above what is there; what is wrong with it, or ""."""
        wrong = problem(name, link)
        if wrong:
            return wrong
        *parents, last = name.split("/")
        folder = self.top
        for part in parents:
            inner = folder.members.setdefault(part, Folder())
            if not isinstance(inner, Folder):
                return "lies behind a link" if isinstance(inner, Link) else "lies behind a file"
            folder = inner
        there = folder.members.get(last)
        if last in folder.members and isinstance(there, Folder) is not is_folder:
            return "is a folder and something else"
        if not is_folder:
            folder.members[last] = Link(link) if link else None
        elif there is None:
            folder.members[last] = Folder()
        return ""

    def wrong_links(self) -> Iterator[tuple[str, str]]:
        """The names of the links that lead out of the root through others, or nowhere; each with what is wrong."""
        todo: list[tuple[str, Folder]] = [("", self.top)]
        while todo:
            path, folder = todo.pop()
            for name, member in folder.members.items():
                if isinstance(member, Folder):
                    todo.append((f"{path}{name}/", member))
                elif isinstance(member, Link) and (wrong := self.walk(f"{path}{name}")):
                    yield f"{path}{name}", wrong

    def walk(self, path: str) -> str:
        """What is wrong with a path, walked as a file system walks it, or ""."""
        ahead, way = path.split("/")[::-1], [self.top]
        for _ in range(MOST_STEPS):
            if not ahead:
                return ""
            part = ahead.pop()
            if part == ".." and len(way) == 1:
                return "is a link out of the root, through other links"
            there = way[-1].members.get(part)
            if part == "..":
                way.pop()
            elif isinstance(there, Link):
                ahead += there.target.split("/")[::-1]
            elif part not in ("", "."):
                way.append(there or Folder())
        return "is a link that leads in circles"
