"""The image's root folder run by the machine itself, without any container engine.

As root by util-linux (a mount and a PID namespace, chroot as the wanted user),
as an ordinary user by bubblewrap (a user namespace).
The network is the machine's: the program is told to listen on a free port of 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pystatic_tasks.engines.base import LEVELS_SHOWN, Artifact, Container, Engine, Exit, Policy, listening, port_here
from pystatic_tasks.errors import ImageError
from pystatic_tasks.in_env.client import LOOPBACK
from pystatic_tasks.oci.read_archive import BUILD_AGAIN, open_layers
from pystatic_tasks.oci.tar_reader import Member
from pystatic_tasks.system.beneath import folder_at, make_file, make_folder, make_link, names_below, remove_tree
from pystatic_tasks.system.files import remove_abandoned
from pystatic_tasks.system.processes import with_our_life

FOLDER_PREFIX = "pystatic-sandbox-"
MOUNT_POINTS = ("dev", "proc", "tmp")
# What engines put into every container, for names of hosts.
NETWORK_FILES = ("/etc/hosts", "/etc/resolv.conf")
SET_ID_BITS = 0o6000
DEVICES = ("null", "zero", "full", "random", "urandom")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NEVER_STOPPED_CODE = 137  # 128 + SIGKILL, as engines report it

# Arguments: root, folder for /tmp or "", UID:GID, number of volumes, the volumes, program, its arguments.
CHROOT_SCRIPT = f"""
set -eu
exec 2>&1
root=$1 tmp=$2 user=$3 volumes=$4
shift 4
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in {" ".join(DEVICES)}; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm"
mount -t tmpfs -o mode=1777,noexec,nosuid tmpfs "$root/dev/shm"
if [ -n "$tmp" ]; then mount --bind "$tmp" "$root/tmp"; fi
# A mount of its own stays writable; it holds what the image has there, as engines copy it into a new volume.
while [ "$volumes" -gt 0 ]; do
    mount --bind "$root$1" "$root$1"
    volumes=$((volumes - 1))
    shift
done
mount -o remount,bind,ro,nosuid "$root"
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"
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
                return f'there is no program "{tool}" on the PATH'
        trial = (
            ["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
            if self.as_root
            else ["bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
        )
        result = subprocess.run(trial, capture_output=True, text=True, check=False)
        return "" if result.returncode == 0 else (result.stderr.strip() or "namespaces are not allowed here")

    def load(self, artifact: Artifact) -> bool:
        return False

    def start(self, artifact: Artifact, policy: Policy, arguments: Sequence[str]) -> Container:
        remove_abandoned(FOLDER_PREFIX)
        folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-"))
        try:
            # The user in the sandbox must be able to pass through, and nobody else has business here.
            folder.chmod(0o711)
            root, tmp = folder / "root", folder / "tmp"
            extract(artifact.archive, root, artifact.image_id, artifact.volumes)
            tmp.mkdir()
            tmp.chmod(0o1777)
            port = port_here(artifact, self.name)
            command = self.command(root, tmp, policy, artifact.volumes)
            log = folder / "output"
            with log.open("wb") as output:
                process = subprocess.Popen(
                    [*command, artifact.entrypoint, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    # unshare itself complains when the program is killed; the program's own errors go to the output.
                    stderr=subprocess.DEVNULL if self.as_root else subprocess.STDOUT,
                    cwd="/",
                    env=environment(artifact, port, policy.env),
                )
        except BaseException:
            remove_tree(folder)
            raise
        return SandboxContainer(
            process=process, folder=folder, command=command, artifact=artifact, port=port, env=policy.env
        )

    def command(self, root: Path, tmp: Path, policy: Policy, volumes: Sequence[str]) -> list[str]:
        uid, _, gid = policy.user.partition(":")
        if self.as_root:
            namespaces = ["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"]
            shared = str(tmp) if policy.writable_tmp else ""
            script = ["sh", "-c", CHROOT_SCRIPT, "sandbox", str(root), shared, policy.user, str(len(volumes)), *volumes]
            return with_our_life(["unshare", *namespaces, *script])
        mounts = ["--ro-bind", str(root), "/", "--proc", "/proc", "--dev", "/dev"]
        if policy.writable_tmp:
            mounts += ["--bind", str(tmp), "/tmp"]
        for volume in volumes:
            mounts += ["--bind", f"{root}{volume}", volume]
        namespaces = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--as-pid-1"]
        return ["bwrap", *namespaces, "--die-with-parent", "--cap-drop", "ALL", "--uid", uid, "--gid", gid, *mounts]


@dataclass(frozen=True, kw_only=True)
class SandboxContainer:
    """One program in its sandbox."""

    process: subprocess.Popen[bytes]
    folder: Path
    command: Sequence[str]
    artifact: Artifact
    port: int | None
    env: Mapping[str, str] = field(default_factory=dict)

    def address(self) -> tuple[str, int]:
        assert self.port is not None
        return LOOPBACK, self.port

    def running(self) -> bool:
        return self.process.poll() is None

    def output(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8", errors="replace")

    def users(self) -> set[str]:
        program = self.program()
        processes = {program, *descendants(program)} if program else set()
        return {uid for uid in map(user_of, processes) if uid}

    def program(self) -> int | None:
        """PID, as the machine sees it, of the program in its namespace."""
        return next(iter(children(self.process.pid)), None)

    def execute(self, arguments: Sequence[str]) -> int:
        return subprocess.run(
            [*self.command, self.artifact.entrypoint, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            env=environment(self.artifact, self.port, self.env),
            check=False,
        ).returncode

    def wait(self, timeout: float) -> int | None:
        try:
            return exit_code(self.process.wait(timeout))
        except subprocess.TimeoutExpired:
            return None

    def stop(self, grace: float) -> Exit:
        started = time.monotonic()
        self.signal_program(signal.SIGTERM)
        code = self.wait(grace)
        if code is None:
            self.signal_program(signal.SIGKILL)
            self.process.wait()
            code = NEVER_STOPPED_CODE
        return Exit(code=code, seconds=time.monotonic() - started)

    def signal_program(self, number: signal.Signals) -> None:
        program = self.program()
        if program:
            with contextlib.suppress(ProcessLookupError):
                os.kill(program, number)

    def leftovers(self) -> list[str]:
        return sorted(names_below(self.folder / "tmp", LEVELS_SHOWN))

    def remove(self) -> None:
        if self.running():
            self.signal_program(signal.SIGKILL)
            self.process.kill()
            self.process.wait()
        remove_tree(self.folder)


def extract(archive: Path, root: Path, image_id: str = "", volumes: Sequence[str] = ()) -> None:
    """Unpack the layers of an image, with what engines add, without following any link of it.

    Args:
        archive: `image.tar`.
        root: The folder to make.
        image_id: Digest of the configuration that the image must have, if that is known.
        volumes: What will be mounted, beside what always is.

    Raises:
        ImageError: it is not the image that was built, or cannot be unpacked as it is.
    """
    root.mkdir()
    root.chmod(0o755)
    for layer in open_layers(archive, image_id):
        for member in layer:
            unpack(member, root)
    for mounted in (*MOUNT_POINTS, *volumes, "etc"):
        require_folder(archive, root, mounted.lstrip("/"))
    for file in filter(os.path.exists, NETWORK_FILES):
        make_file(root, file.lstrip("/"), [Path(file).read_bytes()], 0o644)


def unpack(member: Member, root: Path) -> None:
    """Make a member of a layer; no file of it gives rights away to whoever finds the folder."""
    mode = member.mode & ~SET_ID_BITS
    if member.kind == "folder":
        make_folder(root, member.name, mode | 0o700)
    elif member.kind == "link":
        make_link(root, member.name, member.link)
    else:
        make_file(root, member.name, member.content, mode)


def require_folder(archive: Path, root: Path, path: str) -> None:
    """Make a folder for what is mounted, where the image has none; ImageError if it has something else there."""
    try:
        with folder_at(root, path):
            pass
    except NotADirectoryError:
        raise ImageError(
            f"{archive} holds something at '{path}', where a folder must be to run it.", BUILD_AGAIN
        ) from None


def environment(artifact: Artifact, port: int | None, more: Mapping[str, str]) -> dict[str, str]:
    """What engines set, what the image sets, what is for this run, and where to listen."""
    variables = {"PATH": PATH, "HOME": "/", **artifact.env, **more}
    return {**variables, **listening(artifact, port, variables)}


def children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def descendants(pid: int) -> set[int]:
    found = set(children(pid))
    for child in list(found):
        found |= descendants(child)
    return found


def user_of(pid: int) -> str:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return ""
    return next(line.split()[2] for line in status.splitlines() if line.startswith("Uid:"))


def exit_code(returncode: int) -> int:
    """A process's code as engines report it: 128 + N after signal N."""
    return 128 - returncode if returncode < 0 else returncode


def here() -> Engine:
    """The sandbox that fits the current user."""
    return Sandbox(as_root=os.geteuid() == 0)
