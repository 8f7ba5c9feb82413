"""Derives what a program needs from the recorder's files: modules, data files, libraries."""

from __future__ import annotations

import importlib.metadata
import os
import stat
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import NamedTuple

from ..attribution.packages import packages_of
from ..installed.distributions import split_distributions, top_level
from ..installed.elsewhere import from_elsewhere, without_own_changes
from ..installed.layer_assignment import RUNNER, is_beside_packages, is_local, source_of
from ..installed.package_data import SOURCE_SUFFIXES, is_data, metadata_files
from ..protocol import DataFile, Exercise, Observed, ObservedAnswer, Use
from .mapped_libraries import opened_by_name
from .recorded import Records, records_between
from .recorder.sitecustomize import LOCALES

# A larger data folder is not taken whole: only the subfolder of the file is.
LARGE_FOLDER_BYTES = 16_000_000
# Folders of the system with files that programs read, and the files that every engine or the image itself provides.
SYSTEM_DATA = ("/etc/", "/usr/share/")
PROVIDED = {
    *("/etc/passwd", "/etc/group", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/nsswitch.conf"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/os-release", "/usr/share/zoneinfo/UTC"),
}
TESTS = {"tests", "test", "conftest"}
PLAIN_METADATA = {"METADATA", "PKG-INFO"}
# What was done with a program, and how many bytes each of its processes had recorded when that was over.
Occasion = tuple[str, Mapping[str, int]]


def uses_by_occasion(folder: Path, occasions: Sequence[Occasion], around: Surroundings) -> Iterator[Use]:
    """What a program used for the first time on each occasion.

    Args:
        folder: Contains the records of all processes.
        occasions: The occasions, in order.
        around: The program's surroundings.
    """
    begin: Mapping[str, int] = {}
    seen: set[str] = set()
    for occasion, end in occasions:
        records = list(records_between(folder, begin, end))
        modules = {fields[1] for fields in records if fields[0] in ("module", "loaded")} - seen
        paths = [(Path(fields[1]), fields[0]) for fields in records if fields[0] in ("file", "checked", "folder")]
        data = {name for path, kind in paths for name in folder_in_program(path, kind, around)} - seen
        seen |= modules | data
        begin = end
        yield Use(occasion=occasion, modules=tuple(sorted(modules)), data=tuple(sorted(data)))


def folder_in_program(path: Path, kind: str, around: Surroundings) -> Iterator[str]:
    """The listed folder, or the folder of a file, relative to the folder that modules are imported from."""
    root = around.root_of(path)
    folder = path if kind == "folder" else path.parent
    if root and folder != root:
        yield str(folder.relative_to(root))


@dataclass(frozen=True)
class Surroundings:
    """The folders with files that a program may need, and the distributions that own them.

    Attributes:
        sites: The build environment's folders of packages.
        prefix: The environment's folder, where wheels install data outside site-packages, such as share/jupyter.
        loose: Folders with code of the project that is not installed.
        built: The folder of build output, which is not part of the project.
        distributions: The installed distributions, without tools.
        tool_modules: Top-level modules of tools.
    """

    sites: tuple[Path, ...]
    prefix: Path
    loose: tuple[Path, ...]
    built: Path
    distributions: Sequence[importlib.metadata.Distribution]
    tool_modules: frozenset[str]

    @cached_property
    def owners(self) -> Mapping[str, importlib.metadata.Distribution]:
        """The distribution of each installed file, by its path."""
        return {
            os.path.normpath(str(each.locate_file(file))): each
            for each in self.distributions
            for file in each.files or ()
        }

    @cached_property
    def library(self) -> Path:
        return Path(sysconfig.get_path("stdlib"))

    def root_of(self, path: Path) -> Path | None:
        """The known folder that contains a path, the innermost if there are several; None if there is none."""
        known = (*self.sites, *self.loose, *([self.prefix] if is_beside_packages(path, self.prefix) else []))
        roots = [root for root in known if path.is_relative_to(root) and path != root]
        longest = max(roots, key=lambda root: len(root.parts), default=None)
        return None if longest in self.loose and path.is_relative_to(self.built) else longest


def look_around(exercise: Exercise) -> Surroundings:
    tools, others = split_distributions(exercise.tools)
    return Surroundings(
        sites=tuple(dict.fromkeys(Path(sysconfig.get_path(name)) for name in ("purelib", "platlib"))),
        prefix=Path(sysconfig.get_path("data")),
        loose=tuple(map(Path, exercise.loose)),
        built=Path(exercise.built),
        distributions=others,
        tool_modules=frozenset(name for each in tools for name in top_level(each)),
    )


def without_tests(around: Surroundings, exercise: Exercise, uses: Iterable[Use]) -> Surroundings:
    """The surroundings without test tools: distributions that only groups require and only the command loaded."""
    command = " ".join(exercise.further)
    loaded = {name.partition(".")[0] for use in uses if use.occasion != command for name in use.modules}
    candidates = [each for each in around.distributions if each.metadata["Name"] in exercise.of_groups]
    of_tests = [each for each in candidates if top_level(each).isdisjoint(loaded)]
    return replace(
        around,
        distributions=[each for each in around.distributions if each not in of_tests],
        tool_modules=around.tool_modules.union(*map(top_level, of_tests)),
    )


def names_without(around: Surroundings, others: Surroundings) -> set[str]:
    """Top-level names of packages, modules and metadata that only the first surroundings contain."""
    gone = [each for each in around.distributions if each not in others.distributions]
    metadata = {file.parts[0] for each in gone for file in each.files or () if file.parts[0].endswith(".dist-info")}
    return metadata.union(*map(top_level, gone))


def take(
    records: Records,
    exercise: Exercise,
    around: Surroundings,
    answers: tuple[ObservedAnswer, ...],
    problem: str,
    began: int = 0,
) -> Observed:
    """Derive what a program needs from its records; `began` is when it started, in nanoseconds since the epoch."""
    preferred = preferred_libraries(records, exercise.environment.get("LD_LIBRARY_PATH", ""))
    read = {*read_elsewhere(records, began), *preferred}
    if exercise.further:
        records = without_own_tests(records, around.loose)
    modules, by_path, import_paths = taken_modules(records, exercise, around)
    # Python itself opens the script that it runs.
    records.files.difference_update(exercise.arguments[:1])
    data = {
        *data_files(records, around),
        *checked_files(records, around),
        *by_path,
        *target_data(exercise.module, around),
    }
    opened = opened_by_name(records.libraries, (path for _, path, _ in records.modules))
    brought = {path for path in opened if around.root_of(path)}
    data |= {(str(path), str(placed(path, around))) for path in brought}
    return Observed(
        modules=tuple(sorted(modules)),
        data=tuple(sorted(data)),
        import_paths=tuple(sorted(import_paths)),
        libraries=tuple(sorted(map(str, opened - brought))),
        system_files=tuple(sorted(system_files(records.files))),
        read=tuple(sorted(read)),
        programs=tuple(sorted({Path(each).name for each in records.programs if not is_python(each)})),
        answers=tuple(replace(each, files=shown_files(each.files, around)) for each in answers),
        problem=problem,
    )


def without_own_tests(records: Records, loose: Iterable[Path]) -> Records:
    """The records without those of tests beside the code of a project that is not installed."""

    def stays(path: str) -> bool:
        inside = [Path(path).relative_to(folder) for folder in loose if Path(path).is_relative_to(folder)]
        return not any(is_test(part.partition(".")[0]) for each in inside for part in each.parts)

    return replace(
        records,
        modules={each for each in records.modules if stays(each[1])},
        files=set(filter(stays, records.files)),
        checked=set(filter(stays, records.checked)),
        folders=set(filter(stays, records.folders)),
    )


def is_test(name: str) -> bool:
    """Whether a module, package or folder of that name contains tests, by the conventions of pytest and unittest."""
    return name in TESTS or name.startswith("test_") or name.endswith("_test")


def shown_files(files: Iterable[str], around: Surroundings) -> tuple[str, ...]:
    """The paths in the program of those files that are data of the project or its dependencies, and no metadata."""
    found = [path for path in map(Path, files) if is_data(path) and not is_metadata(path)]
    roots = [(path, around.root_of(path)) for path in found]
    return tuple(sorted(str(path.relative_to(root)) for path, root in roots if root))


def taken_modules(
    records: Records, exercise: Exercise, around: Surroundings
) -> tuple[set[str], set[DataFile], set[str]]:
    """Names of modules, sources of modules that are loaded by path, and folders to import from."""
    modules, by_path, folders = set(own_modules(around)), set(), set()
    server = {name for each in around.distributions if is_called(each, exercise.server) for name in top_level(each)}
    usual = (*around.sites, *around.loose)
    found = [(name, file_of_import(file), way) for name, file, way in records.modules]
    usually_imported = {name for name, path, _ in found if folder_of_import(name, path) in usual}
    for name, path, way in found:
        top = name.partition(".")[0]
        if top in around.tool_modules or top in server or top in (RUNNER, "__main__", "sitecustomize"):
            continue
        root = around.root_of(path)
        if root is None:
            if way == "name" and path.is_relative_to(around.library):
                modules.add(name)
            continue
        folder = folder_of_import(name, path)
        # A package that replaces itself by another module, as OpenCV's does, looks for that module inside itself.
        if folder is None or (folder not in usual and name in usually_imported):
            if path.is_file():
                by_path.add((str(path), str(path.relative_to(root).parent)))
            continue
        modules.add(name)
        if folder not in usual:
            folders.add(str(folder))
    return modules, by_path, folders


def file_of_import(file: str) -> Path:
    """The source of a module that was loaded from a file, or the file itself if there is no source."""
    source = source_of(Path(file))
    return source if source.is_file() else Path(file)


def is_called(distribution: importlib.metadata.Distribution, name: str) -> bool:
    return bool(name) and distribution.metadata["Name"].lower() == name.lower()


def folder_of_import(name: str, path: Path) -> Path | None:
    """The folder that a module of that name is imported from; None if it was loaded by its path."""
    parts = name.split(".")
    suffix = next((each for each in EXTENSION_SUFFIXES if path.name.endswith(each)), path.suffix)
    place = path.parent / path.name.removesuffix(suffix)
    if place.name == "__init__":
        place = place.parent
    return place.parents[len(parts) - 1] if place.parts[-len(parts) :] == tuple(parts) else None


def own_modules(around: Surroundings) -> Iterator[str]:
    """All modules of the project's own distributions, except tests."""
    for distribution in filter(is_local, around.distributions):
        for file in distribution.files or ():
            parts = [*file.parts[:-1], file.stem]
            named = parts[:-1] if parts[-1] == "__init__" else parts
            is_left_out = {*TESTS, "__main__"} & set(named)
            if file.suffix == ".py" and named and not is_left_out and all(part.isidentifier() for part in named):
                yield ".".join(named)


def data_files(records: Records, around: Surroundings) -> Iterator[DataFile]:
    """Files that were read, with the rest of their data folders, and the data in folders that were listed."""
    read = [path for path in map(Path, records.files) if path.is_file()]
    listed = [path for path in map(Path, records.folders) if path.is_dir()]
    is_known_large = cache(is_large)
    # A folder is searched only once, however many of its files were read.
    taken: set[tuple[DataFolder, importlib.metadata.Distribution | None]] = set()
    for path in [*read, *(folder / "*" for folder in listed)]:
        root = around.root_of(path)
        if root is None or (path.name == "*" and path.parent == root):
            continue
        owner = around.owners.get(str(path))
        if is_metadata(path):
            yield from metadata_files(owner) if owner and path.name in PLAIN_METADATA else ()
        elif root in around.loose or owner or path.name == "*":
            if path.name != "*" and (path.suffix in SOURCE_SUFFIXES or is_data(path.relative_to(root))):
                yield str(path), str(path.relative_to(root).parent)
            folder = folder_around(path, root, is_known_large)
            if folder and (folder, owner) not in taken:
                taken.add((folder, owner))
                yield from files_of(folder, owner, around)


def checked_files(records: Records, around: Surroundings) -> Iterator[DataFile]:
    """Installed data files that were found to be there, alone: a program may fail without them, and never read them.

    Other files of the project are often looked for where they are only on this machine, such as a local database.
    """
    for path in filter(Path.is_file, map(Path, records.checked.intersection(around.owners))):
        root = around.root_of(path)
        if root and is_data(path.relative_to(root)) and not is_metadata(path):
            yield str(path), str(path.relative_to(root).parent)


class DataFolder(NamedTuple):
    """A folder whose data is included.

    Attributes:
        root: The known folder that contains it; see `Surroundings.root_of`.
        folder: The folder.
        is_whole: Whether its subfolders are included.
    """

    root: Path
    folder: Path
    is_whole: bool


def folder_around(path: Path, root: Path, is_known_large: Callable[[Path], bool]) -> DataFolder | None:
    """The outermost folder around a data file that is not a package, or its package; None if it is included alone."""
    folder = path.parent
    if path.suffix in SOURCE_SUFFIXES or folder == root:
        return None
    if is_package(folder):
        return DataFolder(root, folder, is_whole=False)
    while folder.parent != root and not is_package(folder.parent):
        folder = folder.parent
    if is_known_large(folder):
        return DataFolder(root, path.parent, is_whole=False)
    return DataFolder(root, folder, is_whole=True)


def is_large(folder: Path) -> bool:
    """Whether a folder is too large to be included whole."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) > LARGE_FOLDER_BYTES


def files_of(
    data: DataFolder, owner: importlib.metadata.Distribution | None, around: Surroundings
) -> Iterator[DataFile]:
    """The data files of a folder, without those of another distribution."""
    for each in data.folder.rglob("*") if data.is_whole else data.folder.iterdir():
        each_owner = around.owners.get(str(each))
        is_loose = data.root in around.loose and not each.is_relative_to(around.built)
        is_same = is_loose or (each_owner and owner in (None, each_owner))
        place = each.relative_to(data.root)
        if is_same and is_data(place) and each.is_file():
            yield str(each), str(place.parent)


def is_metadata(path: Path) -> bool:
    return path.parent.name.endswith(".dist-info")


def placed(path: Path, around: Surroundings) -> Path:
    """The folder of a file in the program."""
    root = around.root_of(path)
    assert root is not None
    return path.relative_to(root).parent


def is_package(folder: Path) -> bool:
    return (folder / "__init__.py").exists()


def target_data(module: str, around: Surroundings) -> Iterator[DataFile]:
    """All data of the distribution that contains the target."""
    top = module.partition(".")[0]
    for distribution in around.distributions if top else ():
        if top in top_level(distribution):
            for file in distribution.files or ():
                path = Path(str(distribution.locate_file(file)))
                root = around.root_of(path)
                # Files that an installer writes elsewhere, such as bin/NAME, are listed as "../../../bin/NAME".
                is_inside = not file.parts[0].startswith("..") and not file.parts[0].endswith(".dist-info")
                if root and is_inside and is_data(Path(file)) and path.is_file():
                    yield str(path), str(path.relative_to(root).parent)


def system_files(files: Iterable[str]) -> list[tuple[str, str]]:
    """Files of the system's packages that were read, each with the name of its package.

    Files that not every user of the machine may read are left out, since everyone could read them in an image.
    """
    there = [path for path in files if path not in PROVIDED and Path(path).is_file()]
    found = [*(path for path in there if path.startswith(SYSTEM_DATA)), *locales(there)]
    wanted = [path for path in found if is_public(Path(path))]
    return [(path, package.name) for path, package in packages_of(wanted).items()] if wanted else []


def is_public(path: Path) -> bool:
    """Whether every user may read a file and enter its folders, including those of a link's target."""
    folders = {*path.parents, *path.resolve().parents} - {Path("/")}
    return bool(path.stat().st_mode & stat.S_IROTH) and all(each.stat().st_mode & stat.S_IXOTH for each in folders)


def read_elsewhere(records: Records, began: int) -> set[str]:
    """Paths outside Python and the environment that the program accessed, whether or not they exist.

    Leaves out paths that the program changed itself, and files that every engine provides.
    """
    modules = {path for _, path, _ in records.modules}
    asked = records.files | records.updated | records.folders | records.searched | modules
    return from_elsewhere(without_own_changes(asked, records.changed, began)) - PROVIDED


def preferred_libraries(records: Records, search_path: str) -> Iterator[str]:
    """Paths in the search path where libraries would replace those that were opened by name."""
    for folder in filter(None, search_path.split(":")):
        yield from (f"{folder}/{name}" for name in records.wanted)


def locales(files: Iterable[str]) -> list[str]:
    """The files of the locales that the program uses; Python itself reads only LC_CTYPE."""
    parts = [path for path in map(Path, files) if path.is_relative_to(LOCALES) and path.name != "LC_CTYPE"]
    # The archive of all the machine's locales is not needed.
    asked = {path.parent for path in parts if path.parent != Path(LOCALES)}
    return [str(path) for folder in asked for path in folder.rglob("*") if path.is_file()]


def is_python(program: str) -> bool:
    return Path(program).name.startswith("python")
