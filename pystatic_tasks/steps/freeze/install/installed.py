"""What is installed in the build environment, by what the installers wrote down."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from pystatic_tasks.config.project import PYPROJECT, required_name
from pystatic_tasks.steps.build_environment import site_packages
from pystatic_tasks.system.files import fingerprint, hash_file, is_executable

QUOTE = '"'
# 32 bytes in Base64, without the "=" at its end.
SHA256 = re.compile(r"sha256=([\w-]{43})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Local:
    """A distribution that was installed from this machine (PEP 610).

    Attributes:
        origin: The folder or the archive that it was installed from.
        is_editable: Whether its modules are imported from there.
        record: Its RECORD.
    """

    origin: Path
    is_editable: bool
    record: Path

    def files(self) -> Iterator[Path]:
        """Those that were installed."""
        return filter(Path.is_file, map(Path, listed_in(self.record)))


def records(python: Path) -> list[Path]:
    """The RECORD of each distribution in the environment of that interpreter."""
    return sorted(path for folder in site_packages(python) for path in folder.glob("*.dist-info/RECORD"))


def locals_in(python: Path) -> list[Local]:
    """The distributions that were installed from this machine."""
    return [local for local in map(local_of, records(python)) if local]


def local_of(record: Path) -> Local | None:
    try:
        noted = json.loads(read_text(record.with_name("direct_url.json")))
        address = urlsplit(noted["url"])
        is_editable = noted.get("dir_info", {}).get("editable", False)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    # What a repository holds is what was committed, wherever the repository is.
    if address.scheme != "file" or "vcs_info" in noted:
        return None
    return Local(origin=Path(unquote(address.path)), is_editable=is_editable, record=record)


def files_of_others(python: Path) -> frozenset[str]:
    """The paths of what was installed from elsewhere than this machine."""
    return frozenset(path for record in records(python) if not is_from_here(record) for path in listed_in(record))


def is_from_here(record: Path) -> bool:
    """Whether a distribution came from a folder, an archive or a repository of this machine."""
    try:
        return str(json.loads(read_text(record.with_name("direct_url.json")))["url"]).startswith("file:")
    except (ValueError, LookupError, TypeError):
        return False


def listed_in(record: Path) -> Iterator[str]:
    """The paths of the files that a RECORD lists, without "..", which only few of them have."""
    return (path for path, _ in entries_of(record))


def entries_of(record: Path) -> Iterator[tuple[str, str]]:
    """The paths of the files that a RECORD lists, each with its SHA-256 in base 16, or "" where another is told."""
    site = record.parents[1]
    # Names may hold other characters at which Python parts lines.
    for line in read_text(record).split("\n"):
        name, *more = line.rsplit(",", 2)
        path = f"{site}/{unquoted(name)}"
        yield os.path.normpath(path) if "/../" in path else path, told_hash(more[0] if more else "")


def told_hash(text: str) -> str:
    match = SHA256.fullmatch(text)
    return base64.urlsafe_b64decode(f"{match[1]}=").hex() if match else ""


def unquoted(name: str) -> str:
    """A field of a RECORD, which is quoted where it holds a comma or a quotation mark."""
    return name[1:-1].replace(QUOTE * 2, QUOTE) if name.startswith(QUOTE) else name


def installed_files(python: Path) -> str:
    """One hash of everything that is installed, of what is from this machine with the modes, which no RECORD tells."""
    written = [(path.parent.name, hash_file(path)) for path in records(python)]
    executable = [path for local in locals_in(python) for path in local.files() if is_executable(path)]
    return fingerprint([written, executable])


def metadata_there(python: Path) -> str:
    """One hash of what all distributions say of themselves."""
    return fingerprint([(path.parent.name, hash_file(path.with_name("METADATA"))) for path in records(python)])


def declared_needs(python: Path) -> list[str]:
    """What the distributions from this machine are called, and say that they need."""
    texts = (read_text(each.record.with_name("METADATA")) for each in locals_in(python))
    return sorted(line for text in texts for line in re.findall(r"^(?:Name|Requires-Dist): .*", text, re.MULTILINE))


def has_pyproject(python: Path) -> bool:
    """Whether a folder of this machine was installed with its pyproject.toml, which the program may read then."""
    return any(path.name == PYPROJECT for local in locals_in(python) for path in local.files())


def is_installed(python: Path, requirement: str) -> bool:
    """Whether there is a distribution of that name, in whatever version."""
    infos = (path for folder in site_packages(python) for path in folder.glob("*.dist-info"))
    return required_name(requirement) in {canonicalize_name(path.name.partition("-")[0]) for path in infos}


def read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
