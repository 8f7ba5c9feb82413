"""Lists the installed distributions, and their commands, modules and files."""

from __future__ import annotations

import csv
import importlib.metadata
import sys
from collections.abc import Iterable
from pathlib import PurePosixPath

# The files with the metadata of a distribution, and the distribution itself if it is one file.
METADATA = ("METADATA", "PKG-INFO", "")


def installed_distributions(path: Iterable[str] | None = None) -> list[importlib.metadata.Distribution]:
    """The distributions in these folders or, without folders, in all that are imported from.

    Folders without metadata, which an interrupted installation leaves behind, are no distributions.
    """
    found = importlib.metadata.distributions(path=list(sys.path if path is None else path))
    return [each for each in found if any(map(each.read_text, METADATA))]


def split_distributions(
    tools: Iterable[str],
) -> tuple[list[importlib.metadata.Distribution], list[importlib.metadata.Distribution]]:
    """The installed distributions with these names, and all others."""
    names = set(tools)
    installed = {each.metadata["Name"]: each for each in installed_distributions()}
    return (
        [each for name, each in installed.items() if name in names],
        [each for name, each in installed.items() if name not in names],
    )


def commands(installed: Iterable[importlib.metadata.Distribution]) -> dict[str, str]:
    """What console scripts call, by the script's name; the first distribution by name wins."""
    found: dict[str, str] = {}
    for distribution in sorted(installed, key=lambda each: each.metadata["Name"].lower()):
        for point in distribution.entry_points:
            if point.group == "console_scripts":
                found.setdefault(point.name, point.value)
    return dict(sorted(found.items()))


def top_level(distribution: importlib.metadata.Distribution) -> set[str]:
    files = map(PurePosixPath, listed_files(distribution))
    code = [file for file in files if file.suffix in (".py", ".so") and not file.parts[0].startswith("..")]
    names = {file.parts[0] if len(file.parts) > 1 else file.name.partition(".")[0] for file in code}
    return {name for name in names if name.isidentifier()}


def listed_files(distribution: importlib.metadata.Distribution) -> list[str]:
    """Paths of its files in site-packages as RECORD lists them, whether or not they exist."""
    record = distribution.read_text("RECORD")
    if record is None:
        return list(map(str, distribution.files or ()))
    return [fields[0] for fields in csv.reader(record.splitlines()) if fields]
