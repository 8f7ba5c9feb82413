"""Reads from a container's log what is wrong, and what to do about it."""

from __future__ import annotations

import json
import os
import posixpath
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from encodings import normalize_encoding
from encodings.aliases import aliases
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.errors import Repair
from pystatic_tasks.in_env.elf.ldconfig import listed_libraries
from pystatic_tasks.in_env.names import around, is_among
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.packers import packer_of
from pystatic_tasks.steps.build_environment import site_packages
from pystatic_tasks.steps.manifest import read_manifest
from pystatic_tasks.steps.results import Frozen
from pystatic_tasks.steps.secrets.guard import why_refused
from pystatic_tasks.steps.services import listed
from pystatic_tasks.steps.slim_lock import FILE, read_lock
from pystatic_tasks.system.files import source_files
from pystatic_tasks.system.timezones import TIMEZONES

FIX = "nox -s smoke -- --fix"
RUN_AGAIN = f'Then run the session again, or let "{FIX}" repair it.'
MISSING_MODULE = r"No module named '([\w.]+)'"
# The folder that a program unpacks itself into, and a tree's folder of packages.
BUNDLE = r"(?:/[^'\"\s]*/_MEI\w+|/usr/local/lib/python3\.\d+/site-packages)"
# A path in quotes, and how messages say that it is missing.
NAMED = r"['\"]([^'\"\n]+)['\"]"
NOT_THERE = (
    r"(?:does not exist|doesn't exist|was not found|not found|is missing|(?:is not|isn't) an? (?:existing |valid )?\w+)"
)


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What is wrong and what to do, and the change to the configuration that repairs it, if there is one."""

    text: str
    repair: Repair | None = None
    problem: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Everything that the log suggests: a text, or "", and one repair for each key."""

    text: str
    repairs: tuple[Repair, ...] = ()


def diagnose_all(config: ImageConfig, output: str) -> Diagnosis:
    """Diagnose the log as if each repair were made before it is read again."""
    found = []
    advice = diagnose(config, output)
    while advice.repair:
        found.append(advice)
        config = repaired(config, advice.repair)
        advice = diagnose(config, output)
    repairs = {each.repair.name: each.repair for each in found if each.repair}
    if len(found) <= 1:
        return Diagnosis(text=found[0].text if found else advice.text, repairs=tuple(repairs.values()))
    lines = [f"  {each.name} = {each.toml}" for each in repairs.values()]
    text = "\n".join(
        [
            *(each.problem for each in found),
            "Add this to [tool.pystatic-tasks] in pyproject.toml:",
            *lines,
            RUN_AGAIN,
        ]
    )
    return Diagnosis(text=text, repairs=tuple(repairs.values()))


def repaired(config: ImageConfig, repair: Repair) -> ImageConfig:
    table = getattr(config, repair.table)
    changed = replace(table, **{repair.field: repair.value})
    return replace(config, **{repair.table: changed})


def diagnose(config: ImageConfig, output: str) -> Advice:
    """The first advice for the log, preferably with a repair; without text if there is none."""
    first = Advice(text="")
    for pattern, advise in ADVICE:
        for match in {match[0]: match for match in re.finditer(pattern, output)}.values():
            advice = advise(config, match)
            if advice.repair:
                return advice
            first = first if first.text else advice
    return first if first.text else Advice(text=own_advice(config, output))


def own_advice(config: ImageConfig, output: str) -> str:
    """The packer's and the server's own advice for the log."""
    packer = packer_of(config)
    known = [*(packer.advice if packer else ()), *find_server(config.server_kind).advice]
    return next((text for pattern, text in known if re.search(pattern, output)), "")


def add_data(config: ImageConfig, problem: str, path: Path, target: str) -> Advice:
    """The advice to add a file or folder of the project; files that would be refused must be listed by a person."""
    entry = data_entry(config, path, target)
    reason = why_refused(config, path, target if path.is_dir() else f"{target}/{path.name}")
    if reason:
        return Advice(
            text=f"{problem} It would be refused ({reason}): pass it to the program at run time, or list it "
            f"in freeze.data yourself: {quoted(entry)}."
        )
    return add(config, problem, "freeze", "data", entry)


def add(config: ImageConfig, problem: str, table: str, key: str, new: str) -> Advice:
    """The advice to add an entry to a list in the configuration."""
    there: tuple[str, ...] = getattr(getattr(config, table), key.replace("-", "_"))
    if new in there:
        return Advice(
            text=f"{problem} {table}.{key} already names {quoted(new)}, but that is not enough: "
            f"see the logs in {shown(config, config.work)}."
        )
    return write_down(problem, Repair(table=table, key=key, value=(*there, new)))


def switch_on(config: ImageConfig, problem: str, table: str, key: str) -> Advice:
    """The advice to set a boolean key."""
    repair = Repair(table=table, key=key, value=True)
    if getattr(getattr(config, table), repair.field):
        return Advice(
            text=f"{problem} {repair.name} is already set, but that is not enough: "
            f"see the logs in {shown(config, config.work)}."
        )
    return write_down(problem, repair)


def write_down(problem: str, repair: Repair) -> Advice:
    """The advice to write this into the configuration."""
    return Advice(
        text=f"{problem} Add this to [tool.pystatic-tasks.{repair.table}] in pyproject.toml, "
        f"or write it as {repair.name} under [tool.pystatic-tasks]:\n"
        f"  {repair.key} = {repair.toml}\n" + RUN_AGAIN,
        repair=repair,
        problem=problem,
    )


def quoted(text: str) -> str:
    """A string in TOML's syntax."""
    return json.dumps(text, ensure_ascii=False)


def missing_module(config: ImageConfig, match: re.Match[str]) -> Advice:
    name = match[1]
    if not has_module(config, name):
        return Advice(
            text=f'The program imports "{name}", which is neither in the project nor in the build environment. '
            "Add the package that provides it to the project's dependencies."
        )
    package = name.partition(".")[0]
    others = {*config.freeze.hidden_imports, *re.findall(MISSING_MODULE, match.string)} - {name}
    of_package = {each for each in others if each.partition(".")[0] == package and has_module(config, each)}
    if name not in config.freeze.hidden_imports and of_package and is_of_others(config, package):
        problem = f'The program imports modules of "{package}" by name, which the analysis cannot see.'
        return add(config, problem, "freeze", "collect", package)
    problem = f'The program imports "{name}" by name, which the analysis cannot see.'
    return add(config, problem, "freeze", "hidden-imports", name)


def left_out_module(config: ImageConfig, match: re.Match[str]) -> Advice:
    problem = f'The program imports "{match[1]}", which {FILE} leaves out.'
    return add(config, problem, "slim", "keep", match[1])


def left_out_names(config: ImageConfig, match: re.Match[str]) -> Advice:
    return add(config, f"The program looks up names of characters, which {FILE} leaves out.", "slim", "keep", match[1])


def left_out_codec(config: ImageConfig, match: re.Match[str]) -> Advice:
    name = normalize_encoding(match[1]).lower()
    module = f"encodings.{aliases.get(name, name)}"
    slim = read_lock(config)
    if slim is None or not is_among(module, slim.names_left_out):
        return Advice(text="")
    problem = f'The program uses the encoding "{match[1]}", which {FILE} leaves out.'
    return add(config, problem, "slim", "keep", module)


def left_out_file(config: ImageConfig, inside: str) -> str:
    """The name in pystatic.lock by which a file of the program was left out; "" if it was not."""
    slim = read_lock(config)
    folder = f"{posixpath.dirname(inside)}/"
    names = slim.names_left_out if slim else ()
    return next((name for name in (folder, *around(folder)) if name in names), "")


def missing_metadata(config: ImageConfig, match: re.Match[str]) -> Advice:
    name = match[1]
    wanted = canonicalize_name(name)
    found = [path for site in installed_in(config) for path in site.glob("*.*-info")]
    if found and wanted not in {canonicalize_name(path.name.partition("-")[0]) for path in found}:
        return Advice(
            text=f'The program reads the metadata of "{name}", which is not installed in the build environment. '
            "Add it to the project's dependencies."
        )
    problem = f'The program reads the metadata of "{name}" by a name that the analysis cannot see.'
    return add(config, problem, "freeze", "metadata", name)


def missing_file(config: ImageConfig, match: re.Match[str]) -> Advice:
    inside = posixpath.normpath(match[1])
    problem = f'The program opens "{inside}", which is not in the image.'
    left_out = left_out_file(config, inside)
    if left_out:
        return add(config, f'The program opens "{inside}", which {FILE} leaves out.', "slim", "keep", left_out)
    if not inside.startswith(".."):
        for folder in (config.project, config.project / "src"):
            if (folder / inside).exists():
                path = folder / inside
                target = inside if path.is_dir() else posixpath.dirname(inside) or "."
                return add_data(config, problem, path, target)
        for site in installed_in(config):
            if (site / inside).exists() and is_package(site, inside):
                return add(config, problem, "freeze", "collect", inside.partition("/")[0])
    return Advice(
        text=f"{problem} Neither the project nor the build environment has it there. "
        "Add its path to freeze.data, or let the program write it to a folder in image.volumes."
    )


def missing_template(config: ImageConfig, match: re.Match[str]) -> Advice:
    name = match[1]
    problem = f'The program looks for the template "{name}", which is not in the image.'
    folder = next(iter(folders_with(config.project, name)), None)
    if folder:
        target = folder.relative_to(config.project).as_posix().removeprefix("src/")
        return add_data(config, problem, folder, target)
    for site in installed_in(config):
        for found in folders_with(site, name):
            inside = found.relative_to(site).as_posix()
            if is_package(site, inside):
                return add(config, problem, "freeze", "collect", inside.partition("/")[0])
    return Advice(
        text=f"{problem} Neither the project nor the build environment has a folder with it. "
        "Add its path to freeze.data."
    )


def missing_library(config: ImageConfig, match: re.Match[str]) -> Advice:
    name = PurePosixPath(match[1]).name
    problem = f'The program opens the shared library "{name}" by name, which the analysis cannot see.'
    path = find_library(name)
    if not path:
        return Advice(
            text=f'The program opens the shared library "{name}", which is not on this machine. '
            "Install the package that provides it."
        )
    return add(config, problem, "staticx", "libraries", path)


def nowhere_to_write(config: ImageConfig, match: re.Match[str]) -> Advice:
    problem = (
        "The program writes temporary files, but its root is read-only: "
        "mount a writable /tmp where the image is deployed, and let smoke do so too."
    )
    return switch_on(config, problem, "smoke", "writable-tmp")


def read_only_folder(config: ImageConfig, match: re.Match[str]) -> Advice:
    path = PurePosixPath(posixpath.normpath(match[1]))
    problem = f'The program writes "{path}", but its root is read-only'
    if path.parent == PurePosixPath("/") or re.match(BUNDLE, match[1]):
        return Advice(text=f"{problem}: let it write to its own folder, and add that folder to image.volumes.")
    return add(config, f"{problem}: make that folder a volume.", "image", "volumes", str(path.parent))


def read_only_database(config: ImageConfig, match: re.Match[str]) -> Advice:
    return Advice(
        text="The program cannot write its SQLite database: its root is read-only. Put the database into a folder "
        "in image.volumes, or into /tmp with smoke.writable-tmp, and mount it where the image is deployed."
    )


def missing_time_zone(config: ImageConfig, match: re.Match[str]) -> Advice:
    problem = f'The program uses the time zone "{match[1]}", which is not in the image.'
    if not Path(TIMEZONES / match[1]).is_file():
        return Advice(
            text=f"{problem} This machine does not have it either. "
            "Correct the name, or add tzdata to the project's dependencies."
        )
    return switch_on(config, problem, "image", "timezones")


def installed_in(config: ImageConfig) -> Sequence[Path]:
    """The folders for packages in the build environment, according to the result of freeze."""
    frozen = read_manifest(config, Frozen)
    if frozen is None:
        return []
    return site_packages(frozen.result.environment_python)


def has_module(config: ImageConfig, name: str) -> bool:
    """Whether the module exists; True if there is no build environment to look into."""
    sites = installed_in(config)
    *parents, last = name.split(".")
    if not sites or name.partition(".")[0] in sys.stdlib_module_names:
        return True
    scripts = [(config.root / config.script).parent] if config.script else []
    for folder in (config.project, config.project / "src", *scripts, *sites):
        place = folder.joinpath(*parents)
        if (place / last).is_dir() or any(place.glob(f"{last}.*")):
            return True
    return False


def is_of_others(config: ImageConfig, package: str) -> bool:
    """Whether the package is installed, has its own modules that can be collected, and is not the project's."""
    frozen = read_manifest(config, Frozen)
    is_own = frozen is not None and package in frozen.result.own_packages
    return not is_own and any(any((site / package).glob("__init__.*")) for site in installed_in(config))


def is_package(site: Path, inside: str) -> bool:
    """Whether this path belongs to a package that can be collected."""
    top = inside.partition("/")[0]
    return top.isidentifier() and (site / top).is_dir()


def data_entry(config: ImageConfig, path: Path, target: str) -> str:
    """An entry of freeze.data."""
    return f"{os.path.relpath(path, config.root)}:{target}"


def folders_with(top: Path, name: str) -> Sequence[Path]:
    """Folders below `top` with a file of this name, which may be a path; those called templates come first."""
    depth = len(PurePosixPath(name).parts)
    found = {path.parents[depth - 1] for path in source_files(top) if path.as_posix().endswith(f"/{name}")}
    return sorted(found - {top, top / "src"}, key=lambda path: (path.name != "templates", len(path.parts), path))


def find_library(name: str) -> str:
    """The path of a shared library of this machine, or ""."""
    return next((str(path) for path in listed_libraries().get(name, ()) if path.is_file()), "")


def missing_folder(config: ImageConfig, match: re.Match[str]) -> Advice:
    name = match[1]
    return Advice(
        text=f'The program serves files from "{name}", relative to its working directory, which is "/" in '
        "the image. Build the path from __file__ in the code, or add this to "
        f"[tool.pystatic-tasks.image.files] in pyproject.toml:\n  {quoted(f'/{name}')} = {quoted(name)}"
    )


def missing_beside(config: ImageConfig, match: re.Match[str]) -> Advice:
    """The advice for a path relative to the current folder, or below "/", if the project has it there."""
    inside = posixpath.normpath(match[1].lstrip("/"))
    path = config.project / inside
    if inside.startswith("..") or inside == "." or not path.exists():
        return Advice(text="")
    problem = f'The program reads "{inside}" in its current folder, which is "/" in the image.'
    line = f"{quoted(f'/{inside}')} = {quoted(os.path.relpath(path, config.root))}"
    reason = why_refused(config, path, f"/{inside}")
    if reason:
        return Advice(
            text=f"{problem} It would be refused ({reason}): pass it to the program at run time, or list it "
            f"in image.files yourself: {line}."
        )
    return Advice(
        text=f"{problem} Build the path from __file__ in the code, or add this to "
        f"[tool.pystatic-tasks.image.files] in pyproject.toml:\n  {line}"
    )


def refused_connection(config: ImageConfig, match: re.Match[str]) -> Advice:
    if config.services:
        return Advice(
            text="The program connects to an address where nothing listens. Check whether it is that of one of its "
            f"services ({listed(config.services)}), and read their logs in {shown(config, config.work)}."
        )
    return Advice(
        text="The program connects to an address where nothing listens. If it needs a service on this machine, such as "
        "a database, declare it in [[tool.pystatic-tasks.services]] to have it started."
    )


ADVICE: tuple[tuple[str, Callable[[ImageConfig, re.Match[str]], Advice]], ...] = (
    (r"No time zone found with key ([\w/+-]+)", missing_time_zone),
    (r"Directory '([^'/][^']*)' does not exist", missing_folder),
    (rf"{MISSING_MODULE}: slim left it out", left_out_module),
    (r'slim left them out; keep them by slim\.keep = \["([\w.]+)"\]', left_out_names),
    (rf"{MISSING_MODULE}(?!: slim)", missing_module),
    (r"LookupError: unknown encoding: ([\w.-]+)", left_out_codec),
    (r"No package metadata was found for ([\w.-]+\w)", missing_metadata),
    (r"DistributionNotFound: The '([\w.-]*\w)[^']*' distribution was not found", missing_metadata),
    (rf"No such file or directory: (?:\w+\()?['\"]{BUNDLE}/([^'\"]+)['\"]", missing_file),
    (r"Template(?:NotFound|DoesNotExist): '?([^'\s,]+)", missing_template),
    (r"([\w./+-]+\.so[\d.]*): cannot open shared object file", missing_library),
    (r"No usable temporary directory found|Read-only file system: (?:\w+\()?['\"]/tmp/", nowhere_to_write),
    (r"Read-only file system: (?:\w+\()?['\"](/(?!tmp/)[^'\"]+)['\"]", read_only_folder),
    (r"unable to open database file|attempt to write a readonly database", read_only_database),
    (rf"No such file or directory: (?:\w+\()?{NAMED}", missing_beside),
    (rf"(?:[Ff]ile|[Ff]older|[Dd]irectory|[Pp]ath)(?: at)?:? {NAMED} {NOT_THERE}", missing_beside),
    (
        rf"(?:[Cc]ould not|[Cc]annot|[Cc]an't|[Uu]nable to|[Ff]ailed to) (?:find|open|read|load)[\w ]*:? {NAMED}",
        missing_beside,
    ),
    (r"[Cc]onnection refused", refused_connection),
)
