"""Adds the headers of METADATA of every distribution in a program; `importlib.metadata` reads versions from them.

Programs read more of them than an analysis can find. The description below the headers, which makes a METADATA
large, is left out.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name

from ..installed.layer_assignment import installed
from ..installed.package_data import metadata_files
from ..protocol import TocEntry

# PyInstaller's own modules are in every program, and no program reads their version.
NOBODYS = {"pyinstaller", "pyinstaller-hooks-contrib"}
# Headers that may contain long texts: a description in the old format, a licence.
TEXTS = (b"description:", b"license:")


def distributions_by_file() -> dict[str, importlib.metadata.Distribution]:
    """The distribution of each installed file, by its path."""
    found = {}
    for distribution, files in installed():
        folder = str(distribution.locate_file(""))
        found.update({f"{folder}/{file}": distribution for file in files})
    return found


def frozen_distributions(
    sources: Iterable[str], by_file: Mapping[str, importlib.metadata.Distribution]
) -> list[importlib.metadata.Distribution]:
    """The distributions that a program's modules come from, sorted by name."""
    in_use = dict.fromkeys(by_file[source] for source in sources if source in by_file)
    found = {distribution.metadata["Name"]: distribution for distribution in in_use}
    return [found[name] for name in sorted(found) if canonicalize_name(name) not in NOBODYS]


def write_headers(
    distributions: Iterable[importlib.metadata.Distribution], there: Container[str], folder: Path
) -> list[TocEntry]:
    """Write the headers of each distribution whose METADATA is not yet among the data files `there`.

    Returns:
        Entries of PyInstaller's tables of contents for what was written below the folder.
    """
    found = []
    for distribution in distributions:
        for source, place in metadata_files(distribution):
            name = f"{place}/METADATA"
            if Path(source).name == "METADATA" and name not in there:
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"".join(headers(Path(source).read_bytes())))
                found.append((name, str(path), "DATA"))
    return found


def headers(metadata: bytes) -> Iterator[bytes]:
    """The lines of METADATA up to the first empty one, without long texts."""
    header: list[bytes] = []
    for line in [*metadata.splitlines(keepends=True), b""]:
        if header and not line.startswith((b" ", b"\t")):
            if len(header) == 1 or not header[0].lower().startswith(TEXTS):
                yield from header
            header = []
        if not line.strip():
            return
        header.append(line)
