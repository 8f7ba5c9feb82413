"""Finds what a program needs in addition to the modules that it imports: data files, metadata, entry points."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from ..protocol import DataFile
from .layer_assignment import is_local
from .name_scan import quoted

# Of sources, which no program needs unless it reads them.
SOURCE_SUFFIXES = {".py", ".pyi", ".pyx", ".pxd", ".c", ".h", ".cpp"}
CODE_SUFFIXES = {*SOURCE_SUFFIXES, ".pyc", ".so", ".pth"}
NOT_DATA = {"py.typed", "__pycache__"}
METADATA = ("METADATA", "entry_points.txt", "top_level.txt")
# Other files that installers write there: origins, and hashes of scripts that contain the environment's path.
OF_INSTALLERS = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}
# Entry points that installers use; programs do not look for them.
SCRIPT_GROUPS = {"console_scripts", "gui_scripts"}


def is_data(path: PurePath) -> bool:
    return path.suffix not in CODE_SUFFIXES and NOT_DATA.isdisjoint(path.parts)


def own_data(distributions: Iterable[importlib.metadata.Distribution]) -> Iterator[DataFile]:
    """Package data and metadata of the distributions that were installed from this machine."""
    for distribution in filter(is_local, distributions):
        for file in distribution.files or ():
            is_inside = not file.parts[0].startswith("..") and not file.parts[0].endswith(".dist-info")
            if is_inside and is_data(Path(file)):
                yield str(distribution.locate_file(file)), str(file.parent)
        yield from metadata_files(distribution)


def metadata_files(distribution: importlib.metadata.Distribution) -> Iterator[DataFile]:
    """The metadata files that `importlib.metadata` reads, without those that contain paths of this machine."""
    for file in distribution.files or ():
        if file.parts[0].endswith(".dist-info") and file.name in METADATA and len(file.parts) == 2:
            yield str(distribution.locate_file(file)), file.parts[0]


def tells_of_the_machine(destination: str) -> bool:
    """Whether a file of a program is one that an installer wrote for its own use."""
    *_, folder, name = ("", *Path(destination).parts)
    return folder.endswith(".dist-info") and name in OF_INSTALLERS


def loose_data(folders: Iterable[str]) -> Iterator[DataFile]:
    """Data files of loaded packages that are in these folders and not installed."""
    packages = {name.partition(".")[0] for name in sys.modules}
    for folder in map(Path, folders):
        for package in sorted(path for path in (folder / name for name in packages) if path.is_dir()):
            yield from folder_data(package, package.relative_to(folder))


def folder_data(folder: Path, place: Path) -> Iterator[DataFile]:
    """The data files below a folder, each with its destination if the folder goes to `place` in the program."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and is_data(path.relative_to(folder)):
            yield str(path), str((place / path.relative_to(folder)).parent)


def plugins(
    distributions: Iterable[importlib.metadata.Distribution], files: Iterable[Path]
) -> list[tuple[importlib.metadata.Distribution, str]]:
    """Distributions with an entry point in a group that the code names, and the module of the entry point."""
    offered = [(each, point) for each in distributions for point in each.entry_points]
    groups = quoted({point.group for _, point in offered} - SCRIPT_GROUPS, files)
    return [(each, point.value.partition(":")[0].strip()) for each, point in offered if point.group in groups]


def loaded_modules(before: Iterable[str], folders: Sequence[str]) -> list[str]:
    """Modules loaded since `before`, under their own names, from these folders; many are imported only by name."""
    new = sys.modules.keys() - set(before)
    return sorted(name for name in new if is_from(name, folders))


def is_from(name: str, folders: Sequence[str]) -> bool:
    spec = getattr(sys.modules[name], "__spec__", None)
    origin = getattr(spec, "origin", None) or ""
    return getattr(spec, "name", None) == name and any(origin.startswith(f"{folder}/") for folder in folders)
