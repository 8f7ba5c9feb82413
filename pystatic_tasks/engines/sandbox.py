"""Runs an image's root folder directly on this machine, without a container engine.

As root with util-linux (a mount and a PID namespace, chroot as the wanted user),
as an ordinary user with bubblewrap (a user namespace).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.engines.base import Artifact, Container, Engine, Policy
from pystatic_tasks.engines.local import DEVICES, LocalContainer, run_at_terminal, unpacked
from pystatic_tasks.system.beneath import remove_tree
from pystatic_tasks.system.machine import is_root
from pystatic_tasks.system.processes import with_our_life

# Arguments: PATH of this machine, root, folder for /tmp or "", UID:GID, number of volumes, the volumes, program,
# its arguments. The program's own PATH may lead to other tools or to none. Shell variables with the name of one of the
# program's environment variables would change it, so ours have other names.
CHROOT_SCRIPT = f"""
set -eu
exec 2>&1
its_path=$PATH
PATH=$1 our_root=$2 our_tmp=$3 our_user=$4 our_volumes=$5
shift 5
mount --bind "$our_root" "$our_root"
mount -t proc proc "$our_root/proc"
mount -t tmpfs -o mode=755 tmpfs "$our_root/dev"
for our_device in {" ".join(DEVICES)}; do
    : > "$our_root/dev/$our_device"
    mount --bind "/dev/$our_device" "$our_root/dev/$our_device"
done
mkdir "$our_root/dev/shm"
mount -t tmpfs -o mode=1777,noexec,nosuid tmpfs "$our_root/dev/shm"
if [ -n "$our_tmp" ]; then mount --bind "$our_tmp" "$our_root/tmp"; fi
# A mount of its own stays writable; it holds what the image has there, as engines copy it into a new volume.
while [ "$our_volumes" -gt 0 ]; do
    mount --bind "$our_root$1" "$our_root$1"
    our_volumes=$((our_volumes - 1))
    shift
done
mount -o remount,bind,ro,nosuid "$our_root"
set -- "$(command -v setpriv)" --no-new-privs "$(command -v chroot)" --userspec="$our_user" --groups= "$our_root" "$@"
PATH=$its_path
exec "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """The engine. `as_root` chooses between util-linux and bubblewrap."""

    as_root: bool
    name: str = "sandbox"
    keeps_images: bool = False

    @property
    def unchecked(self) -> tuple[str, ...]:
        if self.as_root:
            return ("the memory limit",)
        return ("the memory limit", "that another user may read the files")

    def version(self) -> str:
        if self.problem():
            return ""
        tool = "unshare" if self.as_root else "bwrap"
        said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout
        return said.strip()

    def problem(self) -> str:
        """Why it does not work here; empty if it does."""
        tools = ("unshare", "setpriv", "chroot", "mount") if self.as_root else ("bwrap",)
        for tool in tools:
            if shutil.which(tool) is None:
                return f'the program "{tool}" is not on the PATH'
        trial = (
            ["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
            if self.as_root
            else ["bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
        )
        result = subprocess.run(trial, capture_output=True, text=True, check=False)
        return "" if result.returncode == 0 else (result.stderr.strip() or "namespaces are not allowed here")

    def load(self, artifact: Artifact) -> bool:
        return False

    def unload(self, artifact: Artifact) -> None:
        pass

    def start(self, artifact: Artifact, policy: Policy, arguments: Sequence[str]) -> Container:
        # unshare prints a message when the program is killed; the program's own errors go to the output.
        stderr = subprocess.DEVNULL if self.as_root else subprocess.STDOUT
        with unpacked(artifact, self.name) as folder:
            command = self.command(folder / "root", folder / "tmp", policy, artifact.volumes)
            return LocalContainer.start(self.name, folder, command, artifact, policy, arguments, stderr)

    def run_at_terminal(self, artifact: Artifact, policy: Policy, arguments: Sequence[str]) -> int:
        with unpacked(artifact, self.name) as folder:
            try:
                command = self.command(folder / "root", folder / "tmp", policy, artifact.volumes)
                return run_at_terminal(self.name, command, artifact, policy, arguments)
            finally:
                remove_tree(folder)

    def command(self, root: Path, tmp: Path, policy: Policy, volumes: Sequence[str]) -> list[str]:
        uid, _, gid = policy.user.partition(":")
        if self.as_root:
            namespaces = ["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"]
            shared = str(tmp) if policy.writable_tmp else ""
            path = os.environ.get("PATH", os.defpath)
            script = [tool("sh"), "-c", CHROOT_SCRIPT, "sandbox", path, str(root), shared, policy.user]
            return with_our_life([tool("unshare"), *namespaces, *script, str(len(volumes)), *volumes])
        mounts = ["--ro-bind", str(root), "/", "--proc", "/proc", "--dev", "/dev"]
        if policy.writable_tmp:
            mounts += ["--bind", str(tmp), "/tmp"]
        for volume in volumes:
            mounts += ["--bind", f"{root}{volume}", volume]
        namespaces = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--as-pid-1"]
        options = ["--die-with-parent", "--cap-drop", "ALL", "--uid", uid, "--gid", gid]
        return [tool("bwrap"), *namespaces, *options, *mounts]


def tool(name: str) -> str:
    """The path of a tool on this machine, for commands that run with another PATH."""
    return shutil.which(name) or name


def here() -> Engine:
    """The sandbox for the current user."""
    return Sandbox(as_root=is_root())
