"""Finds the project's lock file, uv.lock or pylock.toml (PEP 751), and installs from it with uv."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.config.project import is_path, read_pyproject, read_toml, required_name
from pystatic_tasks.errors import ConfigError, FreezeError, PystaticError
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.install.installers import PRINTING, uv_there
from pystatic_tasks.steps.freeze.install.uv_lock import LockedPackage, parse_uv_lock
from pystatic_tasks.system.processes import last_lines, run_logged, tool_environment

UV_LOCK, PYLOCK = "uv.lock", "pylock.toml"


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock file of the project.

    Attributes:
        path: The file.
        projects: Folders of the projects that it belongs to, each with its name.
        folders: Folders of packages that come from other folders, by name.
        archives: Archives on this machine that it names without a hash.
        names: Names of all packages that it installs; () for a uv.lock, which has more than is installed.
    """

    path: Path
    projects: Mapping[Path, str]
    folders: Mapping[str, Path]
    archives: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()

    def holds(self, config: ImageConfig, entry: str) -> bool:
        """Whether an entry of `install` is the folder of one of the lock's projects or packages."""
        return is_path(entry) and folder_of(config, entry) in (*self.projects, *self.folders.values())


def folder_of(config: ImageConfig, entry: str) -> Path:
    return (config.root / entry.partition("[")[0]).resolve()


def extras_of(entry: str) -> list[str]:
    names = entry.partition("[")[2].partition("]")[0].split(",")
    return [name.strip() for name in names if name.strip()]


def find_lock(config: ImageConfig) -> Lock | None:
    """The lock to install from, if there is one.

    Raises:
        ConfigError: the lock is not valid.
    """
    if not config.locked:
        return None
    project = config.project.resolve()
    try:
        for path in (folder / UV_LOCK for folder in (*upwards(project), config.root.resolve())):
            lock = read_uv_lock(config, path) if path.is_file() else None
            if lock:
                return lock
        path = project / PYLOCK
        return read_pylock(config, path) if path.is_file() else None
    except (LookupError, TypeError, ValueError, AttributeError):
        raise ConfigError(
            f"{path} is not a valid lock file.", "Create it again, or set tool.pystatic-tasks.locked = false."
        ) from None


def upwards(folder: Path) -> Iterator[Path]:
    """The folder and its parents, up to the repository's folder."""
    for each in (folder, *folder.parents):
        yield each
        if (each / ".git").exists():
            return


def read_uv_lock(config: ImageConfig, path: Path) -> Lock | None:
    """Read a uv.lock; None if it belongs to other projects.

    Raises:
        ConfigError: a project requires something that is not in the lock.
    """
    lock = parse_uv_lock(path)
    places = lock.folders()
    projects = {places[name]: name for name in lock.members if name in places}
    if config.project.resolve() not in (path.parent, *projects):
        return None
    installed = {folder_of(config, entry) for entry in config.install if is_path(entry)} or {config.project.resolve()}
    named = {folder: name for folder, name in projects.items() if folder in installed}
    check_known(path, lock.packages, named)
    with_code = {each.name for each in lock.packages if each.has_code}
    wanted = [name for name in lock.reached(named.values()) if name in places and name in with_code]
    return Lock(
        path=path,
        projects=named,
        folders={name: places[name] for name in wanted if name not in named.values()},
        archives=tuple(path for each in lock.packages for path in each.archives),
    )


def check_known(path: Path, packages: Iterable[LockedPackage], projects: Mapping[Path, str]) -> None:
    known = {each.name: {each.name, *each.asked_for} for each in packages}
    for folder, name in projects.items():
        asked = read_pyproject(folder).get("project", {}).get("dependencies", [])
        missing = sorted({required_name(each) for each in asked} - known[name] - {""})
        if missing:
            raise ConfigError(
                f"{folder / 'pyproject.toml'} requires {', '.join(missing)}, which {path} does not have.",
                "Run uv lock, or set tool.pystatic-tasks.locked = false.",
            )


def read_pylock(config: ImageConfig, path: Path) -> Lock:
    # Few projects have such a file, and this import is slow.
    from packaging.pylock import Pylock, PylockValidationError

    try:
        packages = Pylock.from_dict(read_toml(path)).packages
    except PylockValidationError as error:
        raise ValueError(str(error)) from None
    folders = {str(each.name): (path.parent / each.directory.path).resolve() for each in packages if each.directory}
    names = tuple(str(each.name) for each in packages)
    return Lock(path=path, projects={config.project.resolve(): ""}, folders=folders, names=names)


def install_lock(
    config: ImageConfig,
    context: StepContext,
    lock: Lock,
    *,
    extras: Sequence[str],
    groups: Sequence[str],
    variables: Mapping[str, str],
) -> None:
    """Install what the lock names into the build environment, and leave everything else there unchanged.

    Raises:
        ConfigError: uv cannot read the lock.
        FreezeError: uv cannot install what it names.
    """
    exported = config.work / PYLOCK
    try:
        install_from(
            config, context, lock, exported, [*options("--extra", extras), *options("--group", groups)], variables
        )
    finally:
        # URLs in it may contain passwords.
        exported.unlink(missing_ok=True)


def install_from(
    config: ImageConfig,
    context: StepContext,
    lock: Lock,
    exported: Path,
    words: Sequence[str],
    variables: Mapping[str, str],
) -> None:
    uv = find_uv(context)
    file = lock.path
    if lock.path.name == UV_LOCK:
        export(config, context, lock, uv, words, exported)
        file, words = exported, []
    log = config.work / "lock-install.log"
    # uv's cache does not notice changes to a folder's sources.
    again = options("--reinstall-package", lock.folders)
    command = [uv, "pip", "install", "--python", context.python, "-r", file, *words, *again]
    if run_uv(context, lock, command, log, {**variables, "UV_NO_EDITABLE": "1"}) != 0:
        raise failed(config, lock, log, FreezeError, "install what {} names", "Repair what it names")


def export(config: ImageConfig, context: StepContext, lock: Lock, uv: str, words: Sequence[str], file: Path) -> None:
    """Export what uv.lock has for its projects as a pylock.toml; paths in it are relative to its folder."""
    log = config.work / "lock-export.log"
    file.unlink(missing_ok=True)
    names = list(lock.projects.values())
    command = [
        *(uv, "export", "--frozen", "--no-default-groups", "--no-editable", "--python", context.python),
        *(*options("--package", names), *options("--no-emit-package", names), *words),
        *("--format", "pylock.toml", "--output-file", file),
    ]
    if run_uv(context, lock, command, log, {}) != 0:
        raise failed(config, lock, log, ConfigError, "read {}", "Run uv lock (or use a newer uv)")


def run_uv(context: StepContext, lock: Lock, command: Sequence[object], log: Path, variables: Mapping[str, str]) -> int:
    """Run uv in the folder of the lock, so that it uses the settings there."""
    return run_logged(
        command,
        log,
        verbose=context.verbose,
        cwd=lock.path.parent,
        env=tool_environment({**variables, **PRINTING, "NO_COLOR": "1"}),
    )


def failed(
    config: ImageConfig, lock: Lock, log: Path, kind: type[PystaticError], what: str, remedy: str
) -> PystaticError:
    return kind(
        f"uv cannot {what.format(shown(config, lock.path))}; its output is in {shown(config, log)} and ends with:",
        f"{remedy}, or set tool.pystatic-tasks.locked = false.",
        last_lines(log),
    )


def options(name: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (name, value)]


def find_uv(context: StepContext) -> str:
    """The installed uv, or else one in the build environment, installed if necessary."""
    own = context.python.parent / "uv"
    found = uv_there()
    if found is None and not own.exists():
        context.install(["uv"])
    return found or str(own)
