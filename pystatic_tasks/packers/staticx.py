"""StaticX: the program, the C library and the loader in one executable that unpacks itself into /tmp.

https://github.com/JonathonReinhart/staticx
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.errors import StaticxError
from pystatic_tasks.in_env import protocol
from pystatic_tasks.in_env.modules import STATICX
from pystatic_tasks.in_env.protocol import Form, RefusedError, StaticExecutable
from pystatic_tasks.packers.packer import Job, Packer, Packing
from pystatic_tasks.system import machine
from pystatic_tasks.system.beneath import temporary_folder
from pystatic_tasks.system.findings import Finding
from pystatic_tasks.system.full_disk import full_disk, says_full
from pystatic_tasks.system.libraries import missing_libraries
from pystatic_tasks.system.processes import last_lines, tool_environment

# https://pypi.org/project/staticx/#files
WHEELS = ("x86_64",)


@dataclass(frozen=True, kw_only=True)
class Staticx:
    """The packer."""

    requirements: tuple[str, ...] = ("staticx==0.14.2",)
    takes: Form = "archive"
    unpacked_into_tmp: str = r"staticx-|_MEI"
    # In this case, its exit code is 2.
    ended_by_term: str = r"^[^ ]+: Child exited for unknown reason! \(wstatus == 15\)$"
    advice: tuple[tuple[str, str], ...] = (
        (
            "Failed to execv|(Could not|Failed to) create temporary directory",
            "The program cannot unpack itself into /tmp. Make /tmp writable: --tmpfs /tmp:exec,mode=1777.",
        ),
    )

    @property
    def has_wheels(self) -> bool:
        return platform.machine() in WHEELS

    def inputs(self, config: ImageConfig) -> Any:
        return config.staticx.strip

    def pack(self, config: ImageConfig, job: Job) -> Packing:
        made = build(config, job)
        if made.missing:
            raise missing_libraries(StaticxError, config.name, made.missing)
        return Packing(components=made.components, system=made.system)

    def findings(self) -> Iterator[Finding]:
        if self.has_wheels:
            return
        builder, compiler = shutil.which("scons"), shutil.which("cc") or shutil.which("gcc")
        is_built = f"{machine.host_platform()}, where StaticX is built from source by"
        if builder and compiler:
            yield Finding(name="platform", state="ok", seen=f"{is_built} {builder} and {compiler}")
        else:
            yield Finding(
                name="platform",
                state="warning",
                seen=f"{is_built} SCons and a C compiler, which are not both installed",
                cure="Install them: apt-get install scons gcc libc6-dev.",
            )


def build(config: ImageConfig, job: Job) -> StaticExecutable:
    """Run StaticX in the build environment, where its hook finds PyInstaller."""
    log = config.work / "staticx.log"
    path = f"{job.tools}:{tool_environment()['PATH']}"
    # StaticX leaves its temporary files behind when it is interrupted. They are not below the project's folder,
    # since StaticX cannot read paths with spaces in the output of ldd.
    # Tools that it started may still write there for a moment after its end.
    with temporary_folder() as temporary:
        variables = tool_environment({"PATH": path, "TMPDIR": str(temporary)})
        try:
            made = job.ask(STATICX, question(config, job), log=log, env=variables)
        except RefusedError as refused:
            reason = refused.refusal.problem
            if says_full(reason):
                raise full_disk(reason, [job.output.parent, temporary]) from None
            raise failed(config, reason, log) from None
    if made is None:
        raise failed(config, "it returned no result", log)
    return made


def question(config: ImageConfig, job: Job) -> protocol.StaticxQuestion:
    return protocol.StaticxQuestion(
        program=str(job.program),
        output=str(job.output),
        libraries=job.libraries,
        strip=config.staticx.strip,
        own_packages=job.own_packages,
        kept=str(job.cache),
    )


def failed(config: ImageConfig, reason: str, log: Path) -> StaticxError:
    return StaticxError(
        f"StaticX failed: {reason}; its output is in {shown(config, log)}.",
        "Look for the first error in it.",
        last_lines(log),
    )


PACKER: Packer = Staticx()
