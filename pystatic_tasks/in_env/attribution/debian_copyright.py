"""Licences and copyright of a Debian package, by the file that each has: /usr/share/doc/PACKAGE/copyright.

https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/ for those that machines can read ("DEP-5").
Imports nothing beside the standard library, since it also answers for what the image step takes from the system.
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
# The folder of the packaging itself, of which nothing is in a library.
PACKAGING = "debian/"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a package says.

    Attributes:
        licenses: Debian's short names of all licences, or expressions of them; the path of the file where it is one
            for people only; empty if there is no file.
        copyright: As `Component` has it.
        contact: Whom it names as its author, in the form of `Component.originator`, or "".
    """

    licenses: tuple[str, ...] = ()
    copyright: str = ""
    contact: str = ""


def terms_of(package: str, documentation: Path = DOCUMENTATION) -> Terms:
    """What the package of that name says; nothing if its file is not on this machine."""
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
    """The paragraphs of a control file: values by name in lower case, of many lines where they go on."""
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
