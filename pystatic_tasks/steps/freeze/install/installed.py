"""Reads what is installed in the build environment from the installers' records."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from pystatic_tasks.config.project import PYPROJECT, required_name
from pystatic_tasks.steps.build_environment import site_packages
from pystatic_tasks.system.files import fingerprint, hash_file, is_executable

QUOTE = '"'
# What tells of an installed distribution, and of further folders to import from.
TELLING = ("*.dist-info", "*.egg-info", "*.pth")
# 32 bytes in Base64, without the final "=".
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
        """Its installed files that exist."""
        return filter(Path.is_file, map(Path, listed_in(self.record)))


def records(python: Path) -> list[Path]:
    """The RECORD of each distribution in an interpreter's environment."""
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
    # From a repository, the committed version is installed, wherever the repository is.
    if address.scheme != "file" or "vcs_info" in noted:
        return None
    return Local(origin=Path(unquote(address.path)), is_editable=is_editable, record=record)


def listed_files(python: Path) -> frozenset[str]:
    """The paths of all installed files."""
    return frozenset(path for record in records(python) for path in listed_in(record))


def files_of_others(python: Path) -> frozenset[str]:
    """The paths of files that were not installed from this machine."""
    return frozenset(path for record in records(python) if not is_from_here(record) for path in listed_in(record))


def is_from_here(record: Path) -> bool:
    """Whether a distribution came from a folder, an archive or a repository on this machine."""
    try:
        return str(json.loads(read_text(record.with_name("direct_url.json")))["url"]).startswith("file:")
    except (ValueError, LookupError, TypeError):
        return False


def listed_in(record: Path) -> Iterator[str]:
    """The paths of the files that a RECORD lists, normalized."""
    return (path for path, _ in lines_of(record))


def entries_of(record: Path) -> Iterator[tuple[str, str]]:
    """The paths of the files that a RECORD lists, each with its SHA-256 in hexadecimal, or "" if it has none."""
    return ((path, told_hash(told)) for path, told in lines_of(record))


def lines_of(record: Path) -> Iterator[tuple[str, str]]:
    site = record.parents[1]
    # Names may contain other characters at which `splitlines` would split.
    for line in read_text(record).split("\n"):
        name, *more = line.rsplit(",", 2)
        path = f"{site}/{unquoted(name)}"
        yield os.path.normpath(path) if "/../" in path else path, more[0] if more else ""


def told_hash(text: str) -> str:
    match = SHA256.fullmatch(text)
    return base64.urlsafe_b64decode(f"{match[1]}=").hex() if match else ""


def unquoted(name: str) -> str:
    """Unquote a field of a RECORD, which is quoted if it contains a comma or a quotation mark."""
    return name[1:-1].replace(QUOTE * 2, QUOTE) if name.startswith(QUOTE) else name


def installed_files(python: Path, import_path: Iterable[str] = ()) -> str:
    """A hash of everything that is installed, with the modes of files from this machine, which RECORD lacks.

    Args:
        python: The interpreter of the environment.
        import_path: The folders that it imports from; some may be of other environments.
    """
    folders = sorted({*site_packages(python), *map(Path, import_path)})
    found = sorted(path for folder in folders for pattern in TELLING for path in folder.glob(pattern))
    written = [(path.name, hash_file(path), hash_file(path / "RECORD")) for path in found]
    executable = [path for local in locals_in(python) for path in local.files() if is_executable(path)]
    return fingerprint([written, executable])


def metadata_there(python: Path) -> str:
    """A hash of the metadata of all distributions."""
    return fingerprint([(path.parent.name, hash_file(path.with_name("METADATA"))) for path in records(python)])


def declared_needs(python: Path) -> list[str]:
    """The names and requirements of the distributions from this machine, as lines of METADATA."""
    texts = (read_text(each.record.with_name("METADATA")) for each in locals_in(python))
    return sorted(line for text in texts for line in re.findall(r"^(?:Name|Requires-Dist): .*", text, re.MULTILINE))


def has_pyproject(python: Path) -> bool:
    """Whether a project of this machine was installed with its pyproject.toml, which the program may then read."""
    return any(path.name == PYPROJECT for local in locals_in(python) for path in local.files())


def is_installed(python: Path, requirement: str) -> bool:
    """Whether a distribution of that name is installed, in any version."""
    infos = (path for folder in site_packages(python) for path in folder.glob("*.dist-info"))
    return required_name(requirement) in {canonicalize_name(path.name.partition("-")[0]) for path in infos}


def read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
