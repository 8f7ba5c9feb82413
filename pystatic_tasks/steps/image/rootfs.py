"""Decides which files are in the image, with which modes and owners."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from pystatic_tasks.bom.components import THIS_MACHINE
from pystatic_tasks.bom.system_files import CopiedFiles, SystemFiles
from pystatic_tasks.config.model import USER_NAME, ImageConfig
from pystatic_tasks.config.rules import check_file
from pystatic_tasks.errors import ConfigError, ImageError
from pystatic_tasks.oci.layers import Entry
from pystatic_tasks.packers import form_of
from pystatic_tasks.steps.image.time_zone import utc
from pystatic_tasks.steps.results import Frozen
from pystatic_tasks.steps.secrets.guard import Candidate, Guard
from pystatic_tasks.steps.secrets.written import remembered
from pystatic_tasks.system.certificates import USUAL_BUNDLE, find_bundle
from pystatic_tasks.system.files import is_executable, walk
from pystatic_tasks.system.texts import toml_text
from pystatic_tasks.system.timezones import TIMEZONES

# The usual names on any system: hosts of /etc/hosts, which engines write, then those of the network.
NSSWITCH = b"passwd: files\ngroup: files\nhosts: files dns\n"
# The kinds of layers, from the lowest to the highest: files that rarely change are in lower layers.
LAYERS = {"onefile": ("program",), "tree": ("libc", "python", "third-party", "project")}
OTHER_TIMEZONES = ("posix", "right", "posixrules", "localtime")
# Python looks here too, unless it was built differently. If TIMEZONES existed with UTC only, Django would reject
# every other TIME_ZONE, even if the distribution tzdata has it.
OWN_TIMEZONES = "/usr/share/lib/zoneinfo"


def root_entries(config: ImageConfig, frozen: Frozen) -> dict[str, list[Entry]]:
    """All entries of the image by their layer, from the lowest to the highest.

    Args:
        config: Its layout decides which layers exist.
        frozen: The result of the freeze step.

    Returns:
        The entries of each kind of layer, parents first, sorted by path.

    Raises:
        ConfigError: a file that the configuration names does not exist, or is in the place of another one.
        ImageError: the system has no certificates or time zones to copy.
    """
    kinds = LAYERS[config.layout]
    layers: dict[str, list[Entry]] = {kind: [] for kind in kinds}
    layers[kinds[0]] += system_entries(config, frozen)
    for kind, entry in program_entries(config, frozen):
        layers[kind].append(entry)
    layers[kinds[-1]] += own_files(config)
    layers[kinds[0]] += missing_entries(entry for entries in layers.values() for entry in entries)
    places = check_places(entry for entries in layers.values() for entry in entries)
    return {kind: with_parents(entries, places) for kind, entries in layers.items()}


def system_of(frozen: Frozen) -> SystemFiles:
    """The system that a program was frozen on."""
    copy = frozen.system_copy
    return CopiedFiles(folder=copy.folder, packages=copy.packages) if copy else THIS_MACHINE


def system_entries(config: ImageConfig, frozen: Frozen) -> Iterator[Entry]:
    """The files that programs expect on any system."""
    system = system_of(frozen)
    yield Entry(path="/tmp", mode=0o1777)
    for volume in config.image.volumes:
        yield Entry(path=volume, mode=0o1777)
    yield Entry(path="/etc/passwd", mode=0o644, content=passwd(config.image.user))
    yield Entry(path="/etc/group", mode=0o644, content=group(config.image.user))
    if form_of(config) == "tree":
        yield Entry(path="/etc/nsswitch.conf", mode=0o644, content=NSSWITCH)
    if config.image.certificates:
        yield Entry(path=USUAL_BUNDLE, mode=0o644, content=certificates(system))
    if config.image.timezones:
        yield from timezones(system)
    yield from read_files(config, frozen, system)


def read_files(config: ImageConfig, frozen: Frozen, system: SystemFiles) -> Iterator[Entry]:
    """System files that the program was seen to read, unless the configuration has something in their place."""
    for path in frozen.system_files:
        is_timezone = config.image.timezones and Path(path).is_relative_to(TIMEZONES)
        if path not in config.image.files and not is_timezone:
            yield Entry(path=path, mode=0o644, content=system.place(path))


def missing_entries(there: Iterable[Entry]) -> list[Entry]:
    """The files that every image has if nothing else is in their place: the time zone UTC."""
    taken = {entry.path for entry in there}
    if f"{TIMEZONES}/UTC" in taken:
        return []
    paths = (f"{OWN_TIMEZONES}/{name}" for name in ("Etc/UTC", "UTC"))
    return [Entry(path=path, mode=0o644, content=utc()) for path in paths if path not in taken]


def program_entries(config: ImageConfig, frozen: Frozen) -> Iterator[tuple[str, Entry]]:
    """The program's own files, each with the kind of its layer."""
    if config.layout == "onefile":
        yield LAYERS["onefile"][0], Entry(path=f"/{config.name}", mode=0o755, content=config.dist / config.name)
        return
    for file in frozen.files:
        source = Path(f"{frozen.program}{file.path}")
        if source.is_symlink():
            entry = Entry(path=file.path, mode=0o777, link=str(source.readlink()))
        else:
            entry = Entry(path=file.path, mode=file_mode(source), content=source)
        yield file.owner, entry


def file_mode(source: Path) -> int:
    return 0o755 if is_executable(source) else 0o644


def passwd(user: str) -> bytes:
    uid, _, gid = user.partition(":")
    return f"root:x:0:0:root:/:/sbin/nologin\n{USER_NAME}:x:{uid}:{gid}:{USER_NAME}:/:/sbin/nologin\n".encode()


def group(user: str) -> bytes:
    return f"root:x:0:\n{USER_NAME}:x:{user.partition(':')[2]}:\n".encode()


def certificates(system: SystemFiles) -> Path:
    found = find_bundle(system.place)
    if found is None:
        raise ImageError(
            "tool.pystatic-tasks.image.certificates is set, but this machine has no certificate bundle.",
            "Install it: apt-get install ca-certificates.",
        )
    return found


def timezones(system: SystemFiles) -> Iterator[Entry]:
    folder = system.place(str(TIMEZONES))
    if not folder.is_dir():
        raise ImageError(
            f"tool.pystatic-tasks.image.timezones is set, but this machine has no {TIMEZONES}.",
            "Install it: apt-get install tzdata.",
        )
    for path in timezone_files(folder):
        yield Entry(path=f"{TIMEZONES}/{path.relative_to(folder).as_posix()}", mode=0o644, content=path)


def timezone_files(folder: Path) -> list[Path]:
    """The files of the system's time zones that an image gets, sorted."""
    found = (path for path in folder.rglob("*") if path.relative_to(folder).parts[0] not in OTHER_TIMEZONES)
    return sorted(path for path in found if path.is_file())


def own_files(config: ImageConfig) -> Iterator[Entry]:
    """The files that `image.files` names, and the content of folders that it names.

    Raises:
        ConfigError: something does not exist, is neither a file nor a folder, or must not get in by accident.
    """
    named = {target: config.root / source for target, source in config.image.files.items()}
    for target, source in config.image.files.items():
        if not named[target].exists():
            raise ConfigError(
                f'tool.pystatic-tasks.image.files names "{source}", which is not in {config.root}.',
                "Correct the path.",
            )
    found = dict(named)
    candidates = []
    for target, folder in named.items():
        for member in walk(folder) if folder.is_dir() else ():
            place = f"{target}/{member.relative_to(folder).as_posix()}"
            # A file that is listed by hand takes precedence over the folder's.
            if place not in named:
                found[place] = member
                candidates += [candidate_of(config, folder, member, place)] if member.is_file() else []
    written = remembered(config)
    Guard(config).refuse((replace(each, is_written=written.holds(each.source)) for each in candidates), "image.files")
    return (own_entry(config, place, path) for place, path in found.items())


def candidate_of(config: ImageConfig, folder: Path, member: Path, place: str) -> Candidate:
    entry = entry_of(place, os.path.relpath(member, config.root))
    return Candidate(source=member, place=place, entry=entry, origin=member, folder=folder)


def entry_of(place: str, source: str) -> str:
    """The line of `image.files` for a file, or "" if its name cannot be in one."""
    try:
        check_file({place: source})
    except ValueError:
        return ""
    return f"{toml_text(place)} = {toml_text(source)}"


def own_entry(config: ImageConfig, place: str, path: Path) -> Entry:
    if path.is_dir():
        return Entry(path=place, mode=0o755)
    if path.is_file():
        return Entry(path=place, mode=file_mode(path), content=path)
    raise ConfigError(
        f'tool.pystatic-tasks.image.files names "{os.path.relpath(path, config.root)}", '
        "which is neither a file nor a folder.",
        "Correct the path.",
    )


def check_places(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entries by path; ConfigError if two have the same path, or one lies below another that is not a folder."""
    places: dict[str, Entry] = {}
    for entry in entries:
        if entry.path in places:
            raise ConfigError(
                f"Two files in the image have the path {entry.path}.",
                "Correct image.files or image.volumes of tool.pystatic-tasks, or the image's name.",
            )
        places[entry.path] = entry
    for path in places:
        for parent in map(str, PurePosixPath(path).parents):
            if parent in places and not places[parent].is_folder:
                raise ConfigError(
                    f"{path} in the image is below {parent}, which is a file.",
                    "Correct image.files or image.volumes of tool.pystatic-tasks, or the image's name.",
                )
    return places


def with_parents(entries: Iterable[Entry], known: Mapping[str, Entry]) -> list[Entry]:
    """The entries with their parent folders, which are taken from `known` if possible, sorted by path."""
    result = {entry.path: entry for entry in entries}
    for path in list(result):
        for parent in map(str, PurePosixPath(path).parents):
            if parent != "/":
                result.setdefault(parent, known.get(parent) or Entry(path=parent, mode=0o755))
    return [result[path] for path in sorted(result)]
