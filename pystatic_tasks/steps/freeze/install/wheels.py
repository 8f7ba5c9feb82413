"""Installs the project again after its sources have changed, with the build system of the last time.

An installer would download and install the build system for every build, which takes longer than the build.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import read_pyproject
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.in_env.modules import WHEEL
from pystatic_tasks.in_env.protocol import BuildSystem
from pystatic_tasks.steps.build_environment import IN_ENV, ask, site_packages
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.install.backends import builds_alone
from pystatic_tasks.steps.freeze.install.installed import locals_in
from pystatic_tasks.steps.freeze.install.installers import builds_as_usual
from pystatic_tasks.system.files import fingerprint, write_whole

# Backends that build inside the process.
BACKENDS = ("flit_core.buildapi", "hatchling.build", "pdm.backend", "poetry.core.masonry.api", "setuptools.build_meta")
# Options for a Python that sees only the standard library.
WITHOUT_PACKAGES = ("-I", "-S", IN_ENV / "boot.py")
DIRECT_URL = "direct_url.json"


def install_again(
    config: ImageConfig, context: StepContext, folders: Iterable[Path], variables: Mapping[str, str]
) -> bool:
    """Install the projects of these folders again, without their dependencies.

    Args:
        config: What is built.
        context: The step's context, with the build environment.
        folders: The folders of projects whose sources may have changed.
        variables: Environment variables for the build.

    Returns:
        Whether this was possible; if not, nothing was changed, and an installer has to do it.
    """
    wanted = {folder.resolve() for folder in folders}
    there = [each for each in locals_in(context.python) if each.origin.resolve() in wanted]
    if not there or any(each.is_editable for each in there) or not builds_as_usual(os.environ, config.root):
        return False
    wheels = config.work / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    wheels.mkdir(parents=True)
    built = {each.origin: build(config, context, each.origin, wheels, variables) for each in there}
    if not all(built.values()):
        return False
    context.install(["--no-deps", "--force-reinstall", *(str(wheels / name) for name in built.values())])
    for origin, name in built.items():
        note_origin(context.python, name, origin)
    return True


def build(config: ImageConfig, context: StepContext, project: Path, wheels: Path, variables: Mapping[str, str]) -> str:
    """Build a wheel into a folder; returns its name, or "" if that is not possible here."""
    system = build_system(context, project, wheels)
    if system is None:
        return ""
    with context.terminal.activity(f"building {project.name}"):
        _, wheel = ask(
            context.python,
            WHEEL,
            system,
            folder=config.work / "program",
            log=config.work / "wheel.log",
            arguments=WITHOUT_PACKAGES,
            verbose=context.verbose,
            cwd=project,
            env={**os.environ, **variables},
        )
    return wheel.name if wheel else ""


def build_system(context: StepContext, project: Path, wheels: Path) -> BuildSystem | None:
    """The build system of a project, installed in the environment if it is missing; None if only an installer can."""
    try:
        table = read_pyproject(project).get("build-system", {})
    except (ConfigError, FileNotFoundError):
        return None
    backend, requires = table.get("build-backend"), table.get("requires")
    if backend not in BACKENDS or not builds_alone(project):
        return None
    folder = context.python.parents[1] / "pystatic-build-systems" / fingerprint(requires)
    if not folder.is_dir():
        half = folder.with_name("half")
        shutil.rmtree(half, ignore_errors=True)
        context.install(["--target", str(half), *requires])
        half.rename(folder)
    return BuildSystem(
        project=str(project), backend=backend, requires=tuple(requires), folder=str(folder), wheels=str(wheels)
    )


def note_origin(python: Path, wheel: str, origin: Path) -> None:
    """Record the folder that a wheel was built from, as installers do (PEP 610)."""
    name, version, *_ = wheel.split("-")
    for site in site_packages(python):
        metadata = site / f"{name}-{version}.dist-info"
        if metadata.is_dir():
            write_whole(metadata / DIRECT_URL, json.dumps({"dir_info": {}, "url": origin.as_uri()}))
