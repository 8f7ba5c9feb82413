"""Our own launcher: plain files, compressed behind an executable that unpacks them into memory.

Its source is in in_image/launcher/source, its executables for all machines are beside that folder.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.errors import StaticxError
from pystatic_tasks.in_env.attribution.notices import notices_in
from pystatic_tasks.in_env.modules import LAUNCHER
from pystatic_tasks.in_env.protocol import Component, Form, LauncherQuestion, RefusedError
from pystatic_tasks.in_image.healthcheck import LAUNCHED
from pystatic_tasks.packers.packer import Job, Packer, Packing
from pystatic_tasks.system.files import hash_code
from pystatic_tasks.system.findings import Finding
from pystatic_tasks.system.processes import last_lines, tool_environment

FOLDER = Path(__file__).resolve().parents[1] / "in_image" / "launcher"
OTHER_WAYS = 'Set packer = "staticx" or layout = "tree".'
# The libraries in the executable, with the versions of in_image/launcher/build.py.
ZSTD, MUSL = "1.5.7", "1.2.5"
SUPPLIERS = {"zstd": "Meta Platforms, Inc.", "musl": "Rich Felker"}
# glibc's malloc requests huge pages, if the kernel offers them: zstd reads from tables of hundreds of megabytes at
# random, and with small pages spends a fifth of its time on address translation.
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


@dataclass(frozen=True, kw_only=True)
class Launcher:
    """The packer."""

    requirements: tuple[str, ...] = ("zstandard==0.25.0",)
    has_wheels: bool = True
    takes: Form = "tree"
    unpacked_into_tmp: str = ""
    ended_by_term: str = ""
    advice: tuple[tuple[str, str], ...] = (
        (
            "cannot start: there is no place for its files",
            "The program needs a few megabytes of space in /dev/shm, /tmp, /var/tmp or PYSTATIC_TMPDIR.",
        ),
        (
            "cannot start: it needs \\d+ open files",
            "Raise the limit of open files, for example with --ulimit nofile=1024.",
        ),
    )

    def inputs(self, config: ImageConfig) -> Any:
        return [config.freeze.optimize, config.app is not None, hash_code(FOLDER)]

    def pack(self, config: ImageConfig, job: Job) -> Packing:
        if not is_there():
            raise StaticxError(f"There is no launcher for {platform.machine()}.", OTHER_WAYS)
        log = config.work / "launcher.log"
        try:
            made = job.ask(LAUNCHER, question(config, job), log=log, env=tool_environment(HUGE_PAGES))
        except RefusedError as refused:
            raise StaticxError(refused.refusal.problem, refused.refusal.remedy) from None
        if made is None:
            raise StaticxError(
                f"Cannot pack the program; the output is in {shown(config, log)}:",
                "If the cause is not in the project, please report it.",
                last_lines(log),
            )
        return Packing(components=tuple(components(config, job.ours)), system=())

    def findings(self) -> Iterator[Finding]:
        """Warns if there is no launcher for this machine."""
        if not is_there():
            seen = f"{platform.machine()}, for which there is no launcher"
            yield Finding(name="platform", state="warning", seen=seen, cure=OTHER_WAYS)


def is_there() -> bool:
    """Whether there is a launcher for this machine."""
    return (FOLDER / f"launcher-{platform.machine()}").exists()


def question(config: ImageConfig, job: Job) -> LauncherQuestion:
    optimize = config.freeze.optimize
    return LauncherQuestion(
        name=config.name,
        program=str(job.program),
        output=str(job.output),
        machine=platform.machine(),
        launcher=str(FOLDER),
        options=(f"-ISu{'O' * optimize}",),
        optimize=optimize,
        has_health_check=config.app is not None,
        own_files=tuple(file.path.removeprefix("/") for file in job.files if file.owner == "project"),
        kept=str(job.cache),
    )


def components(config: ImageConfig, ours: Component) -> Iterator[Component]:
    """The launcher, and the libraries in it."""
    yield replace(ours, files=(f"/{config.name}", f"/{config.name}!/{LAUNCHED}"))
    for name, version, license_name in (("zstd", ZSTD, "BSD-3-Clause"), ("musl", MUSL, "MIT")):
        yield Component(
            kind="file",
            type="generic",
            name=name,
            version=version,
            licenses=(license_name,),
            supplier=SUPPLIERS[name],
            copyright="\n".join(notices_in([FOLDER / f"LICENSE.{name}"])),
        )


PACKER: Packer = Launcher()
