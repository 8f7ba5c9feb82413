"""Build a second time, elsewhere and under other circumstances, and compare."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pystatic_tasks.config.model import Image
from pystatic_tasks.engines.sandbox import remove_left
from pystatic_tasks.errors import ImageError
from pystatic_tasks.host import Host, last_lines, run_logged
from pystatic_tasks.pipeline import read_manifest, require_manifest, shown
from pystatic_tasks.reproducible.compare import Difference, first_difference
from pystatic_tasks.reproducible.elsewhere import copy_project
from pystatic_tasks.reproducible.members import first_differing_member
from pystatic_tasks.underneath import Call, find_sessions, make_folder, nox_command, nox_environment

FOLDER_PREFIX = "pystatic-second-"
# Each with what it is if it is the first already.
CIRCUMSTANCES = {
    "TZ": ("Pacific/Kiritimati", "America/Caracas"),
    "LC_ALL": ("C", "C.UTF-8"),
    "LANGUAGE": ("tr", "de"),
    "PYTHONHASHSEED": ("4711", "4712"),
}
# The second build is no part of what such a job reports.
OF_JOBS = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY")


def check_reproducible(image: Image, host: Host, call: Call, backend: str) -> None:
    """Build the image again from a copy of the project, in an environment made anew, and compare the two.

    Args:
        image: What was built.
        host: Whoever asked.
        call: The call that builds it.
        backend: What Nox makes environments by; "" for its own choice.

    Raises:
        ImageError: the second build failed, or gave other bytes.
    """
    remove_left(FOLDER_PREFIX)
    with tempfile.TemporaryDirectory(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as temporary:
        root = copy_project(image, Path(temporary))
        with host.terminal.activity(f"building {image.name} a second time, elsewhere"):
            build(image, host, replace(call, root=root), backend, Path(temporary))
        second = replace(image, root=root)
        difference = first_difference(image.dist / "image.tar", second.dist / "image.tar")
        if difference:
            raise not_reproducible(image, second, difference)
    host.say(f"reproducible: two builds gave {require_manifest(image, 'image').facts['digest']}")


def build(image: Image, host: Host, call: Call, backend: str, temporary: Path) -> None:
    """Build in the copy, by Nox, and keep what that printed.

    Raises:
        ImageError: the build failed.
    """
    frozen = require_manifest(image, "freeze").facts
    python = str(Path(frozen["environment_python"]).resolve())
    call = replace(call, overrides={**call.overrides, "python": python})
    (temporary / "tmp").mkdir()
    log = image.work / "second-build.log"
    code = run_logged(
        nox_command(call, find_sessions(call)),
        log,
        verbose=host.verbose,
        cwd=make_folder(call),
        env=circumstances(nox_environment(call, temporary / "exit-code"), backend, temporary / "tmp"),
        umask=other_umask(),
    )
    if code != 0:
        raise ImageError(
            f"The second build of {image.name} failed; its output is in {shown(image, log)} and ends so:",
            "See whether the build needs files that lie outside of the project and that git does not track.",
            last_lines(log),
        )


def circumstances(environment: Mapping[str, str], backend: str, temporary: Path) -> dict[str, str]:
    """The environment variables of the second build: what must not matter is other than in the first."""
    kept = {name: value for name, value in environment.items() if name not in OF_JOBS}
    changed = {name: other if kept.get(name) == value else value for name, (value, other) in CIRCUMSTANCES.items()}
    # The copy has the repository's own index, which no command shall renew.
    own = {"TMPDIR": str(temporary), "GIT_OPTIONAL_LOCKS": "0"}
    return {**kept, **changed, **own, **({"NOX_DEFAULT_VENV_BACKEND": backend} if backend else {})}


def other_umask() -> int:
    ours = os.umask(0o077)
    os.umask(ours)
    return 0o022 if ours == 0o077 else 0o077


def not_reproducible(image: Image, second: Image, difference: Difference) -> ImageError:
    """The error; the second image is kept for whoever wants to look into it."""
    kept = image.work / "second"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(second.dist, kept)
    installed = list(differing_distributions(image, second))
    remedy = f"Look for what depends on time, place or the order of a set; the second image is in {shown(image, kept)}."
    if installed:
        remedy = "Lock the versions of what is installed (uv.lock, pylock.toml), and build the first with --no-cache."
    return ImageError(
        f"Two builds of {image.name} differ, first in {difference.where}:",
        remedy,
        [*difference.lines, *differing_members(image, second), *installed],
    )


def differing_members(image: Image, second: Image) -> Iterator[str]:
    """Where in a program of one file the two part."""
    programs = [each.work / "frozen" / each.name for each in (image, second)]
    if image.layout == "onefile" and all(path.is_file() for path in programs):
        name = first_differing_member(*programs)
        if name:
            yield f"in the frozen program, first in {name}"


def differing_distributions(image: Image, second: Image) -> Iterator[str]:
    """What was installed in one version for the first build, and in another for the second."""
    frozen = [read_manifest(each, "freeze") for each in (image, second)]
    ours, theirs = (each.facts["distributions"] if each else {} for each in frozen)
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            first, second = (each.get(name, "not installed") for each in (ours, theirs))
            yield f"{name}: {first} for the first, {second} for the second"
