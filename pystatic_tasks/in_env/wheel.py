"""Builds a wheel of a project with a build system that is already installed (PEP 517).

Runs without the packages of the environment (`-S`) and adds only the build system, so that the build is as isolated
as by an installer.
"""

from __future__ import annotations

import importlib
import os
import site
from pathlib import Path

from .exchange import respond
from .protocol import BuildSystem, Wheel


def build(system: BuildSystem) -> Wheel:
    site.addsitedir(system.folder)
    os.chdir(system.project)
    module, _, path = system.backend.partition(":")
    backend = importlib.import_module(module)
    for name in filter(None, path.split(".")):
        backend = getattr(backend, name)
    ask = getattr(backend, "get_requires_for_build_wheel", list)
    if not set(ask()) <= set(system.requires):
        return Wheel(name="")
    return Wheel(name=backend.build_wheel(system.wheels))


def main(question: Path, answer: Path) -> None:
    respond(BuildSystem, build, question, answer)
