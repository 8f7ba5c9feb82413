"""Lists the components of a program: for each file, the component that it came from."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..elf.shared_libraries import find_library, machine_of
from ..installed.distributions import installed_distributions
from ..installed.layer_assignment import RUNNER, folder_of_python, installed, is_beside_packages, is_local, source_of
from ..installed.package_data import OF_INSTALLERS
from ..protocol import Component, Own
from ..stamps import sha256
from .bundled import bundled
from .credits import copyright_of, notices_of, supplier_and_originator
from .notices import is_license_file, notices
from .packages import packages_of, run

INSIDE = "!/"
LIBPYTHON = re.compile(r"libpython\d[^/]*$")
SHARED_LIBRARY = re.compile(r"\.so(\.[^/]+)?$")
# The modules of the standard library that Python needs before it can import others.
BASE_LIBRARY = "base_library.zip"
# A file of PyInstaller's; its owner is the component of PyInstaller's own parts of a program.
PYINSTALLER = "PyInstaller/__init__.py"
LOADER = "PyInstaller/loader"
BOOTSTRAP = ("pyimod", "pyiboot")
LONGEST_LICENSE_NAME = 200
LICENSE_CLASSIFIER = "License :: "


@dataclass(frozen=True)
class Member:
    """One file of a program.

    Attributes:
        location: Where it is in the image.
        origin: What it was made from: a file of this machine by its absolute path, or a file of the environment
            by its path in site-packages.
    """

    location: str
    origin: str


def archive_members(location: str, names: Mapping[str, Iterable[str]], sources: Mapping[str, str]) -> Iterator[Member]:
    """The files of a one-file program.

    Args:
        location: Where the program is.
        names: The names of its members, each with the names of its modules if it is an archive of modules.
        sources: PyInstaller's source of each name.
    """
    yield Member(location, PYINSTALLER)
    for name, modules in names.items():
        inside = f"{location}{INSIDE}{name}"
        if modules:
            yield Member(inside, PYINSTALLER)
        elif name.startswith(BOOTSTRAP):
            yield Member(inside, f"{LOADER}/{name}.py")
        else:
            yield Member(inside, origin(name, sources.get(name, "")))
        for module in modules:
            yield Member(f"{inside}{INSIDE}{module}", origin(module.replace(".", "/"), sources.get(module, "")))


def tree_members(
    root: Path, library: Path, packages: Path, sources: Mapping[str, str], interpreter: Path
) -> Iterator[Member]:
    """The files of a tree.

    Args:
        root: Its folder.
        library: Folder in it with the standard library.
        packages: Folder in it with the project and its dependencies.
        sources: Files of this machine that shared libraries were taken from, by name.
        interpreter: The interpreter that was copied.
    """
    machine = machine_of(interpreter)
    for path in sorted(each for each in root.rglob("*") if each.is_symlink() or not each.is_dir()):
        location = f"/{path.relative_to(root)}"
        file = root / (path.parent / path.readlink()).relative_to(root) if path.is_symlink() else path
        if file.is_relative_to(packages) or is_beside_packages(file, library.parents[1]):
            yield Member(location, os.path.relpath(file, packages))
        elif file.is_relative_to(library):
            yield Member(location, str(standard_library() / source_of(file.relative_to(library))))
        elif file.parent == root:
            yield Member(location, RUNNER)
        elif file.name == library.name:
            yield Member(location, str(interpreter))
        else:
            yield Member(location, str(sources.get(file.name) or find_library(file.name, machine) or location))


def origin(name: str, source: str) -> str:
    """What a member of a program was made from; see `Member`.

    Args:
        name: Its path in the program; for a module without a suffix.
        source: PyInstaller's source: a file, the target name of a link, or "-" for a folder of modules.
    """
    if name.split("/")[0] == RUNNER:
        return name
    if name == BASE_LIBRARY:
        return str(standard_library() / name)
    if source.startswith("/") and not source.endswith(".pyc"):
        roots = {f"{folder_of_python(kind)}/" for kind in ("purelib", "platlib")}
        if is_beside_packages(Path(source), folder_of_python("data")):
            return os.path.relpath(source, folder_of_python("purelib"))
        return next((source.removeprefix(root) for root in roots if source.startswith(root)), source)
    if source not in ("", "-") and not source.startswith("/"):
        return os.path.normpath(Path(name).parent / source)
    standard = standard_library() / f"{name}.py"
    return str(standard) if standard.is_file() else name


def components(members: Iterable[Member], own: Own, interpreter: Path) -> list[Component]:
    """The components of a program.

    Args:
        members: Its files.
        own: What only the caller knows.
        interpreter: The executable of the Python that runs it.

    Returns:
        The components that the files belong to, each with its files, and always Python's own; sorted.
    """
    files = list(members)
    origins = {member.origin for member in files}
    own = replace(own, project=project_component(own, origins))
    packages = packages_of(origins - places(origins))
    python = interpreter_component(origins, interpreter)
    if any(is_interpreters(each, interpreter) for each in packages):
        # Advisories then name its packages, whose fixes do not show in Python's version.
        python = replace(python, cpe="")
    known = owners_in_environment(places(origins), own)
    for each in origins - places(origins):
        known[each] = packages.get(each) or owner_on_machine(each, own, python, interpreter)
    return [*grouped(files, known, [python]), *inside(known.values())]


def added_components(members: Iterable[Member]) -> list[Component]:
    """The components of files that a packer adds to a program: its own, and the system's libraries."""
    files = list(members)
    origins = {member.origin for member in files}
    distributions = by_place()
    packages = packages_of(origins - places(origins))
    known = {each: distribution_component(distributions[each]) for each in places(origins)}
    known.update({each: packages.get(each) or file_component(Path(each)) for each in origins - places(origins)})
    return [*grouped(files, known), *inside(known.values())]


def inside(components: Iterable[Component]) -> list[Component]:
    """What the distributions among these declare to be built into them, in the order of their names."""
    names = {each.name for each in components if each.kind in ("project", "distribution")}
    found = {each.metadata["Name"]: each for each in installed_distributions()}
    return [each for name in sorted(names & found.keys()) for each in bundled(found[name])[0]]


def places(origins: set[str]) -> set[str]:
    """The origins that are in the environment."""
    return {each for each in origins if not each.startswith("/")}


def grouped(
    members: Iterable[Member], owners: Mapping[str, Component], always: Iterable[Component] = ()
) -> list[Component]:
    """The components of these members, each with its files; sorted.

    Args:
        members: The files.
        owners: The component of each origin.
        always: Components to list even without files.
    """
    known = {each.identity: each for each in always}
    files: dict[tuple[str, ...], list[str]] = {}
    libraries: dict[tuple[str, ...], dict[str, str]] = {}
    for member in members:
        component = owners[member.origin]
        identity = component.identity
        known.setdefault(identity, component)
        files.setdefault(identity, []).append(member.location)
        if component.kind in ("system", "file") and is_library(member.origin):
            library = Path(member.origin).resolve()
            libraries.setdefault(identity, {})[library.name] = sha256(library)
    return [
        replace(known[each], files=tuple(files.get(each, ())), libraries=libraries.get(each, {}))
        for each in sorted(known)
    ]


def owner_on_machine(file: str, own: Own, python: Component, interpreter: Path) -> Component:
    """The component of a file that belongs neither to the environment nor to a system package."""
    if is_interpreters(file, interpreter):
        return python
    is_foreign = is_library(file) and not Path(file).is_relative_to(own.folder)
    return file_component(Path(file)) if is_foreign else own.project


def owners_in_environment(names: set[str], own: Own) -> dict[str, Component]:
    """The component of each path in site-packages."""
    distributions = by_place()
    known: dict[importlib.metadata.Distribution, Component] = {}
    found = {}
    for name in names:
        path = Path(name)
        ways = (name, str(source_of(path)), f"{name}.py", str(path.parent))
        distribution = next((distributions[each] for each in ways if each in distributions), None)
        if path.parts[0] == RUNNER:
            found[name] = own.runner
        elif distribution is None:
            found[name] = own.project
        else:
            found[name] = known[distribution] = known.get(distribution) or owner_by(distribution, own)
    return found


def owner_by(distribution: importlib.metadata.Distribution, own: Own) -> Component:
    """The component of a distribution's files."""
    return own.project if is_project(distribution, own) else distribution_component(distribution)


def project_component(own: Own, origins: Iterable[str]) -> Component:
    """The project's component: from its installed distribution if there is one, else from its own files."""
    found = next((each for each in installed_distributions() if is_project(each, own)), None)
    if found:
        return replace(distribution_component(found), kind="project")
    folder = Path(own.folder)
    licenses = sorted(path for path in folder.glob("*") if is_license_file(path.name))
    modules = sorted(path for path in map(Path, origins) if path.is_relative_to(folder))
    return replace(own.project, copyright=notices_of([*licenses, *modules]))


def is_project(distribution: importlib.metadata.Distribution, own: Own) -> bool:
    return is_local(distribution) and canonicalize_name(distribution.metadata["Name"]) == canonicalize_name(
        own.project.name
    )


def by_place() -> dict[str, importlib.metadata.Distribution]:
    """The distribution of each installed file, and of each folder that contains one, by path in site-packages."""
    files: dict[str, importlib.metadata.Distribution] = {}
    folders: dict[str, importlib.metadata.Distribution] = {}
    for distribution, paths in installed():
        files.update(dict.fromkeys(paths, distribution))
        folders.update({parent: distribution for path in paths for parent in parents(path)})
    return {**folders, **files}


def parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def standard_library() -> Path:
    return folder_of_python("stdlib")


def is_interpreters(file: str, interpreter: Path) -> bool:
    """Whether a file is Python's own, wherever Python is installed."""
    is_library = Path(file).is_relative_to(standard_library()) or LIBPYTHON.search(file)
    return bool(is_library) or file == str(interpreter)


def is_library(file: str) -> bool:
    """Whether a file of this machine is a shared library outside the standard library."""
    return bool(SHARED_LIBRARY.search(file)) and not Path(file).is_relative_to(standard_library())


def file_component(file: Path) -> Component:
    """The component of a library that belongs to no package; its hash identifies it."""
    checksum = sha256(file)
    return Component(
        kind="file",
        type="generic",
        name=file.name,
        sha256=checksum,
        qualifiers={"checksum": f"sha256:{checksum}"},
    )


def interpreter_component(origins: Iterable[str], interpreter: Path) -> Component:
    """Python itself, with the hash of its shared library or, if that is not among the files, of its executable."""
    library = next((Path(each) for each in sorted(origins) if LIBPYTHON.search(each)), interpreter)
    version = platform.python_version()
    stage = version.lstrip("0123456789.")
    cpe = f"cpe:2.3:a:python:python:{version.removesuffix(stage)}:{stage or '*'}:*:*:*:*:*:*"
    return Component(
        kind="interpreter",
        type="generic",
        name="python",
        version=version,
        licenses=("Python-2.0.1",),
        supplier="Python Software Foundation",
        copyright="\n".join(notices(sys.copyright)),
        sha256=sha256(library),
        cpe=cpe if sys.implementation.name == "cpython" else "",
    )


def distribution_component(distribution: importlib.metadata.Distribution) -> Component:
    """The component of a distribution. A local one is not "pypi": PyPI may have another one of the same name."""
    supplier, originator = supplier_and_originator(distribution)
    return Component(
        kind="distribution",
        type="generic" if is_local(distribution) else "pypi",
        name=distribution.metadata["Name"],
        version=distribution.version,
        licenses=licenses(distribution),
        supplier=supplier,
        originator=originator,
        copyright=copyright_of(distribution),
        sha256=hash_of_record(distribution),
        requires=requirements(distribution),
        unread=bundled(distribution)[1],
    )


def licenses(distribution: importlib.metadata.Distribution) -> tuple[str, ...]:
    """The licences in the metadata, from the newest form (PEP 639) that it uses."""
    metadata = distribution.metadata
    expression, text = (str((metadata.get_all(key) or [""])[0]).strip() for key in ("License-Expression", "License"))
    if expression:
        return (expression,)
    if text and text != "UNKNOWN" and "\n" not in text and len(text) <= LONGEST_LICENSE_NAME:
        return (text,)
    classifiers = metadata.get_all("Classifier") or []
    return tuple(sorted(each.rpartition(" :: ")[2] for each in classifiers if each.startswith(LICENSE_CLASSIFIER)))


def requirements(distribution: importlib.metadata.Distribution) -> tuple[str, ...]:
    """Names of the distributions that it needs on this machine, without extras."""
    found: set[str] = set()
    for text in distribution.requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found.add(canonicalize_name(requirement.name))
    return tuple(sorted(found))


def hash_of_record(distribution: importlib.metadata.Distribution) -> str:
    """The SHA-256 of the hashes in RECORD of the wheel's files; it does not depend on the installer or the place.

    Returns "" if there is no RECORD.
    """
    lines = []
    for file in distribution.files or ():
        is_outside = file.parts[0] == ".." or Path(file).is_absolute()
        if file.hash and not is_outside and file.suffix != ".pyc" and file.name not in OF_INSTALLERS:
            lines.append(f"{file.hash.value}  {file}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest() if lines else ""


def tool_versions() -> dict[str, str]:
    """Versions of the machine's own tools that change binaries."""
    return {"strip": next(iter(run("strip", "--version").splitlines()), "")}
