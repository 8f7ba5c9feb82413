"""A place in which programs for arm64 run, by qemu, as if this machine were one.

The kernel is told of qemu in a user namespace of its own, which it keeps apart since Linux 6.7: nobody else on the
machine sees that, and it ends with the namespace.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import REQUIRED, tool_or_skip

EMULATOR = "qemu-aarch64-static"
# What Debian's package registers by, where a machine is to have it for all.
REGISTRATION = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
USERS = "0 0 65536"
SECONDS = 10.0
# It is told when its users are mapped; what runs beside it dies with it.
HOLD = f"""
read -r _
mount -t proc proc /proc
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
cat {REGISTRATION} > /proc/sys/fs/binfmt_misc/register
echo ready
exec cat > /dev/null
"""
PACKAGES = "var/cache/apt/archives"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class Emulation:
    """The place.

    Attributes:
        process: Number of the process that holds it.
    """

    process: int

    def command(self, *words: str | Path) -> list[str]:
        """What runs a command there, as root."""
        enter = ["nsenter", f"--target={self.process}", "--user", "--mount", "--pid", "--"]
        return [*enter, *map(str, words)]

    def run(self, *words: str | Path, **variables: str) -> str:
        """What a command prints there, to standard output and standard error; fails if it does."""
        return output_of(self.command(*words), variables)

    def enter(self, root: Path) -> Machine:
        """Make a machine of a root folder of arm64."""
        self.run("mount", "--bind", root, root)
        for name in ("proc", "dev"):
            self.run("mount", "--rbind", f"/{name}", root / name)
        self.run("mount", "-t", "tmpfs", "tmpfs", root / "tmp")
        return Machine(emulation=self, root=root)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine of arm64."""

    emulation: Emulation
    root: Path

    def run(self, *words: str | Path, **variables: str) -> str:
        """What a command prints there, to standard output and standard error; fails if it does."""
        own = {"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", **variables}
        environment = ["env", "-i", *map("=".join, own.items())]
        return self.emulation.run("chroot", self.root, *environment, *words)


def output_of(command: Sequence[str], variables: Mapping[str, str]) -> str:
    """What a command prints, to standard output and standard error; fails if the command does."""
    result = subprocess.run(
        command,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def skip(reason: str) -> None:
    assert "arm64" not in REQUIRED, f"arm64 is required, and {reason}"
    pytest.skip(reason)


@contextlib.contextmanager
def emulation() -> Iterator[Emulation]:
    """Where programs for arm64 run; skips the test where there can be none."""
    if os.geteuid() != 0:
        skip("only root can map the users of a machine")
    for tool in (EMULATOR, "unshare", "nsenter"):
        tool_or_skip(tool)
    if not REGISTRATION.exists():
        skip(f"there is no {REGISTRATION}")
    hold = ["unshare", "--user", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", HOLD]
    with subprocess.Popen(
        hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stderr
        child = first_child(holder.pid)
        for kind in ("uid_map", "gid_map"):
            Path(f"/proc/{holder.pid}/{kind}").write_text(USERS, encoding="ascii")
        holder.stdin.write("\n")
        holder.stdin.flush()
        if holder.stdout.readline() != "ready\n":
            skip(f"the kernel takes no emulator in a namespace: {holder.stderr.read().strip()}")
        try:
            yield Emulation(process=child)
        finally:
            holder.stdin.close()


def first_child(process: int) -> int:
    """The first process that a process starts."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
        if found:
            return int(found[0])
        time.sleep(0.01)
    raise AssertionError(f"process {process} started nothing")


def debootstrap(root: Path, packages: Sequence[str]) -> None:
    """Make a root folder of Debian 12 for arm64, in which nothing is configured; its packages lie in it too."""
    if os.geteuid() != 0:
        skip("debootstrap needs root")
    options = ["--arch=arm64", "--foreign", "--variant=minbase", f"--include={','.join(packages)}"]
    command = [tool_or_skip("debootstrap"), *options, "bookworm", str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    proc = root / "proc"
    if proc.is_symlink():
        # In a container it leaves this to its second stage: a link to /proc, which for whoever is in there is itself.
        proc.unlink()
        proc.mkdir()


def install(machine: Machine) -> None:
    """Install what debootstrap has left in a root folder.

    Its own second stage does that by programs of that machine only, and takes minutes under an emulator; here only
    what the packages themselves run is emulated.
    """
    packages = sorted((machine.root / PACKAGES).glob("*.deb"))
    unpack = ["dpkg", f"--root={machine.root}", "--force-architecture,depends,unsafe-io", "--unpack"]
    machine.emulation.run(*unpack, *packages, PATH=PATH)
    machine.run("dpkg", "--force-unsafe-io", "--configure", "--pending", DEBIAN_FRONTEND="noninteractive")
    for package in packages:
        package.unlink()


def let_install(root: Path) -> dict[str, str]:
    """Give a root folder what this machine installs Python packages by; the variables that say so."""
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    found = {name: os.environ[name] for name in ("PIP_INDEX_URL",) if name in os.environ}
    if "PIP_CERT" in os.environ:
        shutil.copyfile(os.environ["PIP_CERT"], root / "authorities.pem")
        found["PIP_CERT"] = "/authorities.pem"
    return found
