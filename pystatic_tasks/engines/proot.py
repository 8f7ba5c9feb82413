"""Runs an image's root folder with PRoot, where there are neither namespaces nor daemons: https://proot-me.github.io

PRoot intercepts each system call of the program with ptrace and translates its paths, so it needs no privileges.
Root first becomes the wanted user, so that the image's files, which belong to root, are read-only for the program.
An ordinary user only appears as another user; the files are the user's own, with modes that allow nobody to write.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.engines.base import Artifact, Container, Engine, Policy
from pystatic_tasks.engines.local import (
    DEVICES,
    LocalContainer,
    copy_file,
    make_shared,
    require_folder,
    run_at_terminal,
    unpacked,
)
from pystatic_tasks.system.beneath import remove_tree
from pystatic_tasks.system.machine import is_root

TOOLS = ("proot", "setpriv")
WRITE_BITS = 0o222
UNCHECKED = (
    "the memory limit",
    "that it works as process 1",
    "that it sees no processes but its own",
    "that it executes nothing in /dev/shm",
)
UNCHECKED_OF_USERS = (*UNCHECKED, "that another user may read the files", "that it makes no file of the root writable")
# If a signal ended the program, PRoot exits with this code and names the signal on standard error.
BY_SIGNAL_CODE = 255
BY_SIGNAL = re.compile(r"proot info: pid \d+: terminated with signal (\d+)\n")
SAID_BY_PROOT = re.compile(r"proot (?:info|warning): .*\n")
# The time that PRoot gets to kill all processes that it traces.
KILL_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class PRoot:
    """The engine. `as_root` tells whether it can become another user."""

    as_root: bool
    name: str = "proot"
    keeps_images: bool = False

    @property
    def unchecked(self) -> tuple[str, ...]:
        return UNCHECKED if self.as_root else UNCHECKED_OF_USERS

    def version(self) -> str:
        if self.problem():
            return ""
        said = subprocess.run([self.name, "--version"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"\d+(?:\.\d+)+", said)
        return f"PRoot {found[0]}" if found else "PRoot"

    def problem(self) -> str:
        """Why it does not work here; empty if everything that it needs is there."""
        missing = [tool for tool in TOOLS if shutil.which(tool) is None]
        return f'the program "{missing[0]}" is not on the PATH' if missing else ""

    def load(self, artifact: Artifact) -> bool:
        return False

    def unload(self, artifact: Artifact) -> None:
        pass

    def start(self, artifact: Artifact, policy: Policy, arguments: Sequence[str]) -> Container:
        with unpacked(artifact, self.name) as folder:
            prepare(folder, artifact)
            command = self.command(folder, policy)
            return PRootContainer.start(self.name, folder, command, artifact, policy, arguments)

    def run_at_terminal(self, artifact: Artifact, policy: Policy, arguments: Sequence[str]) -> int:
        with unpacked(artifact, self.name) as folder:
            try:
                prepare(folder, artifact)
                return run_at_terminal(self.name, self.command(folder, policy), artifact, policy, arguments)
            finally:
                remove_tree(folder)

    def command(self, folder: Path, policy: Policy) -> list[str]:
        uid, _, gid = policy.user.partition(":")
        become = ["--reuid", uid, "--regid", gid, "--clear-groups"] if self.as_root else []
        pretend = [] if self.as_root else ["-i", policy.user]
        bound = ["/proc", *(f"/dev/{device}" for device in DEVICES), f"{folder}/shm:/dev/shm"]
        if policy.writable_tmp:
            bound.append(f"{folder}/tmp:/tmp")
        setpriv, proot = (shutil.which(tool) or tool for tool in ("setpriv", "proot"))
        # SIGQUIT makes it kill all processes that it traces.
        limits = [setpriv, *become, "--no-new-privs", "--pdeathsig", "QUIT"]
        mounts = [word for each in bound for word in ("-b", each)]
        return [*limits, proot, *pretend, "-r", f"{folder}/root", *mounts, "-w", "/"]


@dataclass(frozen=True, kw_only=True)
class PRootContainer(LocalContainer):
    """One program that runs under PRoot."""

    def everything(self) -> str:
        return super().output()

    def output(self) -> str:
        return SAID_BY_PROOT.sub("", self.everything())

    def code(self, returncode: int) -> int:
        signals = BY_SIGNAL.findall(self.everything()) if returncode == BY_SIGNAL_CODE else []
        return super().code(-int(signals[-1]) if signals else returncode)

    def remove(self) -> None:
        if self.running():
            self.process.send_signal(signal.SIGQUIT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(KILL_SECONDS)
            self.process.kill()
            self.process.wait()
        remove_tree(self.folder)


def prepare(folder: Path, artifact: Artifact) -> None:
    """Make the mount points in the unpacked root, and make it read-only."""
    root = folder / "root"
    for device in DEVICES:
        copy_file(artifact.archive, root, f"dev/{device}", b"")
    require_folder(artifact.archive, root, "dev/shm")
    make_shared(folder / "shm")
    seal(root, [Path(f"{root}{volume}") for volume in artifact.volumes])


def seal(root: Path, writable: Collection[Path]) -> None:
    """Remove everyone's write permission, except in these folders."""
    for name, inner, files in os.walk(root):
        folder = Path(name)
        if folder in writable:
            inner.clear()
            continue
        for path in (folder, *(folder / file for file in files)):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~WRITE_BITS)


def here() -> Engine:
    """PRoot for the current user."""
    return PRoot(as_root=is_root())
