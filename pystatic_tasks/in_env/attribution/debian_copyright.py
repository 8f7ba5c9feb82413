"""Reads licences and copyright of a Debian package from /usr/share/doc/PACKAGE/copyright.

The machine-readable format ("DEP-5"): https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Imports only the standard library, since the image step also uses it for files of the system.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .notices import notices, printable, read_text

DOCUMENTATION = Path("/usr/share/doc")
FORMATS = re.compile(r"copyright-format|dep-?5", re.IGNORECASE)
FIELD = re.compile(r"(?P<name>[A-Za-z-]+):(?P<value>.*)")
# The folder of the packaging itself, which is not part of any library.
PACKAGING = "debian/"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Licences, copyright and author of a package.

    Attributes:
        licenses: Debian's short names of all licences, or expressions of them; the path of the file if it is not
            machine-readable; empty if there is no file.
        copyright: As in `Component`.
        contact: The author, in the form of `Component.originator`, or "".
    """

    licenses: tuple[str, ...] = ()
    copyright: str = ""
    contact: str = ""


def terms_of(package: str, documentation: Path = DOCUMENTATION) -> Terms:
    """The terms of a package; empty if its copyright file is not on this machine."""
    path = documentation / package / "copyright"
    text = read_text(path)
    if not text.strip():
        return Terms()
    known = list(paragraphs(text))
    header = known[0] if known else {}
    if not FORMATS.search(header.get("format", header.get("format-specification", ""))):
        return Terms(licenses=(str(path),), copyright="\n".join(dict.fromkeys(notices(text))))
    parts = [header, *(each for each in known[1:] if "files" in each and not is_packaging(each["files"]))]
    names = {printable(each["license"].splitlines()[0]) for each in parts if each.get("license")}
    holders = [printable(line) for each in parts for line in each.get("copyright", "").splitlines() if line.strip()]
    contact = printable(header.get("upstream-contact", "").strip().partition("\n")[0])
    return Terms(
        licenses=tuple(sorted(name or str(path) for name in names)) or (str(path),),
        copyright="\n".join(dict.fromkeys(holders)),
        contact="" if "://" in contact else contact,
    )


def is_packaging(patterns: str) -> bool:
    return all(each.startswith(PACKAGING) for each in patterns.split())


def paragraphs(text: str) -> Iterator[Mapping[str, str]]:
    """The paragraphs of a control file: values by lower-case name; a value may have several lines."""
    for block in re.split(r"\n[ \t]*\n", text):
        values: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            field = FIELD.match(line)
            if field:
                name = field["name"].lower()
                values[name] = field["value"].strip()
            elif name:
                values[name] += f"\n{line}"
        if values:
            yield values
