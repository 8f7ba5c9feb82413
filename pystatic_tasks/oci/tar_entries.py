"""Checks the entries of a tar, so that unpacking it writes only into the intended folder.

The rules are stricter than those of `tarfile.data_filter` (PEP 706), which Python 3.10 may lack:
no absolute links, no links that lead out through one another, and no names that could mislead a terminal or a list of
files, or that no file system accepts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Union

from pystatic_tasks.config.unwieldy import is_unicode
from pystatic_tasks.oci.tar_reader import MOST_MEMBERS
from pystatic_tasks.system.files import LONGEST_NAME, LONGEST_PATH
from pystatic_tasks.system.texts import printable

MOST_LEVELS = 256
# Far more than any legitimate path needs; the kernel follows fewer links.
MOST_STEPS = 1024
# Enough for the largest number of links, each at the end of a long path.
MOST_STEPS_OF_ALL = 10**7
# Unicode's category Cc.
CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
# Engines remove the file of that name in lower layers.
# https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
WHITEOUT = ".wh."


def problem(name: str, link: str = "") -> str:
    """What is wrong with an entry by itself, or "".

    Args:
        name: Its name in the tar, without a leading "/".
        link: What it points to, if it is a symbolic link.
    """
    if CONTROL.search(name) or CONTROL.search(link):
        return "has a control character in its name"
    if not (is_unicode(name) and is_unicode(link)):
        return "has a name that is not UTF-8"
    if any(is_too_long(path) for path in (name, link)):
        return "has a name that is too long, or too many levels"
    parts = name.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        return "is not a path below the root"
    if f"/{WHITEOUT}" in f"/{name}":
        return "is the mark of a removed file"
    if not link:
        return ""
    if link.startswith("/"):
        return f"is a link to the absolute path {printable(link)}"
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
    return f"is a link out of the root, to {printable(link)}" if target.split("/")[0] == ".." else ""


def is_too_long(path: str) -> bool:
    content = path.encode()
    parts = content.split(b"/")
    return len(content) > LONGEST_PATH or len(parts) > MOST_LEVELS or max(map(len, parts)) > LONGEST_NAME


# The contents of a folder by name: folders, the targets of symbolic links, and None for files.
Folder = dict[str, Union["Folder", str, None]]


class Root:
    """The root of an image, built entry by entry."""

    def __init__(self) -> None:
        self.top: Folder = {}
        self.left = MOST_MEMBERS
        self.left_steps = MOST_STEPS_OF_ALL

    def add(self, name: str, *, link: str = "", is_folder: bool = False) -> str:
        """Add an entry on top of those that are there; returns what is wrong with it, or ""."""
        wrong = problem(name, link)
        if wrong:
            return wrong
        *parents, last = name.split("/")
        folder = self.top
        for part in parents:
            if part not in folder:
                folder[part] = {}
                self.left -= 1
            inner = folder[part]
            if not isinstance(inner, dict):
                return "lies behind a file" if inner is None else "lies behind a link"
            folder = inner
        there = folder.get(last)
        if last in folder and isinstance(there, dict) is not is_folder:
            return "is a folder and something else"
        if not is_folder:
            folder[last] = link or None
        elif there is None:
            folder[last] = {}
        self.left -= 1
        return f"makes more than {MOST_MEMBERS} entries and folders" if self.left < 0 else ""

    def wrong_links(self) -> Iterator[tuple[str, str]]:
        """The names of links that lead out of the root through others, or in circles, each with what is wrong."""
        for path in links_below(self.top):
            wrong = self.walk(path)
            if wrong:
                yield path, wrong

    def walk(self, path: str) -> str:
        """What is wrong with a path, resolved as a file system would, or ""."""
        ahead, way = path.split("/")[::-1], [self.top]
        for _ in range(min(MOST_STEPS, self.left_steps)):
            if not ahead:
                return ""
            self.left_steps -= 1
            part = ahead.pop()
            if part == ".." and len(way) == 1:
                return "is a link out of the root, through other links"
            there = way[-1].get(part)
            if part == "..":
                way.pop()
            elif isinstance(there, str):
                ahead += there.split("/")[::-1]
            elif part not in ("", "."):
                way.append(there or {})
        if not self.left_steps:
            return "is a link beside too many others that lead through one another"
        return "is a link that leads in circles"


def links_below(folder: Folder, above: str = "") -> Iterator[str]:
    for name, member in folder.items():
        if isinstance(member, dict):
            yield from links_below(member, f"{above}{name}/")
        elif member is not None:
            yield f"{above}{name}"
