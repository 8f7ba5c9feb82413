"""Finds copyright notices in texts such as licences and source files.

Imports only the standard library, since the image step also uses it for files of the system.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

YEAR = r"(?:19|20)\d\d\b"
# "Copyright (c) 2020 …", "© 2020 …", "2020 (c) …", "Copyright The … Authors", and REUSE's tag.
NOTICE = re.compile(
    rf"""(?:(?i:SPDX-FileCopyrightText):\s*\S
        |\b(?i:copyright)\s*:?\s*(?:\([cC]\)|©|&copy;)\s*\S
        |(?:\b(?i:copyright)\b|©|\([cC]\))[\s:,]*{YEAR}
        |{YEAR}[\d\s,-]*\s(?:\([cC]\)|©)\s*\S
        |^\W*Copyright\s+(?!(?:License|Notice|Law|Holder|Owner|Act|Statement|Office|And)\b)[A-Z])
        .*""",
    re.VERBOSE,
)
# Every notice contains one of these. Most texts contain none, and are not searched line by line.
MARK = re.compile(r"copyright|©|\(c\)", re.IGNORECASE)
# Placeholders, for people who apply a licence and for programs.
TEMPLATE = re.compile(
    r"\[yyyy\]|\[name of|<year>|<name of|<copyright holders?>|%s|[{}]|\byear\b.*\bname of author\b", re.IGNORECASE
)
# A line that ends like this continues on the next one.
UNFINISHED = re.compile(r"(?:,|\b\d{4}|\band|\bby)$")
MOST_LINES = 4
# Marks the copyright of a licence's own text, which is not that of the licensed work.
OF_THE_TEXT = "Everyone is permitted to copy and distribute verbatim copies"
AROUND = " #*/;\"'`|\\-"
CLOSING = "-->"
LONGEST_LINE = 300
LICENSE_FILE = re.compile(r"(licen[cs]e|copying|copyright|notice|authors)", re.IGNORECASE)


def notices(text: str) -> Iterator[str]:
    """The lines of a text that claim copyright, without comment marks."""
    if not MARK.search(text):
        return
    lines = [*text.splitlines(), "", ""]
    for number, line in enumerate(lines[:-2]):
        found = NOTICE.search(line) if len(line) <= LONGEST_LINE else None
        following = map(bare, islice(filter(str.strip, islice(lines, number + 1, None)), 2)) if found else ()
        if found and not TEMPLATE.search(line) and not any(OF_THE_TEXT in each for each in following):
            yield whole(bare(found[0]), [bare(each) for each in lines[number + 1 : number + MOST_LINES]])


def whole(notice: str, following: Iterable[str]) -> str:
    """A notice with its continuation lines."""
    for line in following:
        if not line or not UNFINISHED.search(notice) or len(line) > LONGEST_LINE:
            return notice
        notice = f"{notice} {line}"
    return notice


def bare(line: str) -> str:
    """A line without comment marks."""
    return printable(line.strip().removesuffix(CLOSING)).strip(AROUND)


def printable(text: str) -> str:
    """The text on one line, without unprintable characters."""
    shown = text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.split())


def notices_in(files: Iterable[Path]) -> tuple[str, ...]:
    """The notices in files, without duplicates, in the order of the files; unreadable files have none."""
    return tuple(dict.fromkeys(notice for file in files for notice in notices(read_text(file))))


def read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def is_license_file(name: str) -> bool:
    """Whether files of that name contain a licence, a copyright or authors."""
    return bool(LICENSE_FILE.match(name))
