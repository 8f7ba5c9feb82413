"""Builds a second time, elsewhere and under other circumstances, and compares the results."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.errors import ImageError
from pystatic_tasks.fronts.nox_process import Call, find_sessions, make_folder, nox_command, nox_environment
from pystatic_tasks.fronts.rebuild.compare import Difference, first_difference
from pystatic_tasks.fronts.rebuild.elsewhere import copy_project
from pystatic_tasks.fronts.rebuild.members import first_differing_member, first_differing_name
from pystatic_tasks.packers import form_of
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.program import FOLDERS
from pystatic_tasks.steps.manifest import read_manifest, require_result
from pystatic_tasks.steps.results import Built, Frozen
from pystatic_tasks.system.beneath import temporary_folder
from pystatic_tasks.system.files import hash_file
from pystatic_tasks.system.processes import last_lines, run_logged

FOLDER_PREFIX = "pystatic-second-"
# For each variable, a value, and another one in case the first build already has this value.
CIRCUMSTANCES = {
    "TZ": ("Pacific/Kiritimati", "America/Caracas"),
    "LC_ALL": ("C", "C.UTF-8"),
    "LANGUAGE": ("tr", "de"),
    "PYTHONHASHSEED": ("4711", "4712"),
}
# The second build must not show up in the reports of a CI job.
OF_JOBS = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY")


def check_reproducible(config: ImageConfig, context: StepContext, call: Call, backend: str) -> None:
    """Build the image again from a copy of the project, in a new environment, and compare the two.

    Args:
        config: The image that was built.
        context: The context of the calling step.
        call: The call that builds it.
        backend: The backend with which Nox creates environments; "" for Nox's own choice.

    Raises:
        ImageError: the second build failed, or its bytes differ.
    """
    with temporary_folder(FOLDER_PREFIX) as temporary:
        root = copy_project(config, temporary)
        with context.terminal.activity(f"building {config.name} a second time, elsewhere"):
            build(config, context, replace(call, root=root), backend, temporary)
        second = replace(config, root=root)
        difference = first_difference(config.dist / "image.tar", second.dist / "image.tar")
        if difference:
            raise not_reproducible(config, second, difference)
    context.say(f"reproducible: two builds gave {require_result(config, Built).digest}")


def build(config: ImageConfig, context: StepContext, call: Call, backend: str, temporary: Path) -> None:
    """Build in the copy with Nox, and keep its output.

    Raises:
        ImageError: the build failed.
    """
    frozen = require_result(config, Frozen)
    python = str(frozen.environment_python.resolve())
    call = replace(call, overrides={**call.overrides, "python": python})
    (temporary / "tmp").mkdir()
    log = config.work / "second-build.log"
    code = run_logged(
        nox_command(call, find_sessions(call)),
        log,
        verbose=context.verbose,
        cwd=make_folder(call),
        env=circumstances(nox_environment(call, temporary / "exit-code"), backend, temporary / "tmp"),
        umask=other_umask(),
    )
    if code != 0:
        raise ImageError(
            f"The second build of {config.name} failed; its output is in {shown(config, log)} and ends with:",
            "Check whether the build needs files outside the project that git does not track.",
            last_lines(log),
        )


def circumstances(environment: Mapping[str, str], backend: str, temporary: Path) -> dict[str, str]:
    """The environment variables of the second build: those that must not matter have other values."""
    kept = {name: value for name, value in environment.items() if name not in OF_JOBS}
    changed = {name: other if kept.get(name) == value else value for name, (value, other) in CIRCUMSTANCES.items()}
    # The copy uses the repository's own index, which no command must update.
    own = {"TMPDIR": str(temporary), "GIT_OPTIONAL_LOCKS": "0"}
    return {**kept, **changed, **own, **({"NOX_DEFAULT_VENV_BACKEND": backend} if backend else {})}


def other_umask() -> int:
    ours = os.umask(0o077)
    os.umask(ours)
    return 0o022 if ours == 0o077 else 0o077


def not_reproducible(config: ImageConfig, second: ImageConfig, difference: Difference) -> ImageError:
    """The error; the second image is kept for inspection."""
    kept = config.work / "second"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(second.dist, kept)
    installed = list(differing_distributions(config, second))
    remedy = (
        "Look for what depends on the time, the place or the order of a set; "
        f"the second image is in {shown(config, kept)}."
    )
    if installed:
        remedy = (
            "Lock the versions of the dependencies (uv.lock, pylock.toml), and build the first image with --no-cache."
        )
    return ImageError(
        f"Two builds of {config.name} differ, first in {difference.where}:",
        remedy,
        [*difference.lines, *differing_members(config, second), *installed],
    )


def differing_members(config: ImageConfig, second: ImageConfig) -> Iterator[str]:
    """The first difference inside a one-file program."""
    if config.used_packer is None:
        return
    form = form_of(config)
    programs = [each.work / FOLDERS[form] / each.name for each in (config, second)]
    if not all(path.exists() for path in programs):
        return
    name = first_differing_name(*map(hashes, programs)) if form == "tree" else first_differing_member(*programs)
    if name:
        yield f"in the frozen program, first in {name}"


def hashes(folder: Path) -> dict[str, str]:
    """The hash of each file of a program by its path, and the target of each link."""
    files = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else hash_file(path) for path in files
    }


def differing_distributions(config: ImageConfig, second: ImageConfig) -> Iterator[str]:
    """The distributions whose versions differ between the two builds."""
    frozen = [read_manifest(each, Frozen) for each in (config, second)]
    ours, theirs = (each.result.distributions if each else {} for each in frozen)
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            here, there = (each.get(name, "not installed") for each in (ours, theirs))
            yield f"{name}: {here} in the first build, {there} in the second"
