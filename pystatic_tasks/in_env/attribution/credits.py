"""Finds authors and copyright of a distribution in its metadata and its files.

https://packaging.python.org/en/latest/specifications/core-metadata/
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from email.utils import getaddresses
from pathlib import Path

from ..protocol import NO_NOTICES
from .notices import is_license_file, notices_in, printable

# Texts that may begin with a notice.
TEXTS = {".py", ".pyi", ".pyx", ".pxd", ".c", ".h", ".js", ".css", ".html", ".txt", ".md", ".rst", ".toml"}
UNKNOWN = ("", "UNKNOWN")


def supplier_and_originator(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    """The supplier and, if different, the originator of a distribution; each as in `Component`.

    Core metadata names a maintainer only if it is not the author.
    """
    author, maintainer = people(distribution, "Author"), people(distribution, "Maintainer")
    return (maintainer, author if author != maintainer else "") if maintainer else (author, "")


def people(distribution: importlib.metadata.Distribution, role: str) -> str:
    """The person or group in a role; several are joined by commas."""
    metadata = distribution.metadata
    fields = [printable(str((metadata.get_all(key) or [""])[0])) for key in (role, f"{role}-email")]
    known = [each for each in getaddresses([field for field in fields if "@" in field]) if "@" in each[1]]
    plain = [field for field in fields if field not in UNKNOWN and "@" not in field]
    names = list(dict.fromkeys(filter(None, [*plain, *(name for name, _ in known)])))
    addresses = list(dict.fromkeys(address for _, address in known))
    if len(names) > 1 or len(addresses) > 1:
        return ", ".join(names or addresses)
    return contact(*names or [""], *addresses or [""])


def contact(name: str, address: str) -> str:
    """A name and an address in the form of `Component.supplier`."""
    if name and address:
        return f"{name} <{address}>"
    return name or address


def copyright_of(distribution: importlib.metadata.Distribution) -> str:
    """The notices in its licence files, or else in any of its texts, as in `Component`."""
    files = sorted(Path(str(distribution.locate_file(file))) for file in distribution.files or ())
    if not files:
        return ""
    return notices_of(files)


def notices_of(files: Iterable[Path]) -> str:
    """The notices in the licence files among these, or else in any text among them, as in `Component`."""
    known = list(files)
    found = notices_in(each for each in known if is_license_file(each.name))
    return "\n".join(found or notices_in(each for each in known if each.suffix in TEXTS)) or NO_NOTICES
