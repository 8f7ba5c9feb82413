"""Runs an image without a container engine: its unpacked root folder, and a process of this machine.

It uses this machine's network: the program listens on a free port of 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pystatic_tasks.engines.base import (
    LEVELS_SHOWN,
    Artifact,
    Exit,
    Policy,
    address_here,
    follow_file,
    listening,
)
from pystatic_tasks.engines.foreground import run_in_foreground
from pystatic_tasks.errors import ImageError
from pystatic_tasks.oci.archive import Written
from pystatic_tasks.oci.reading.images import open_layers
from pystatic_tasks.oci.reading.opened import BUILD_AGAIN
from pystatic_tasks.oci.tar_reader import Member
from pystatic_tasks.system.beneath import (
    NEW_FILE,
    folder_at,
    make_file,
    make_folder,
    make_link,
    names_below,
    remove_tree,
)
from pystatic_tasks.system.files import owned, remove_abandoned

MOUNT_POINTS = ("dev", "proc", "tmp")
DEVICES = ("null", "zero", "full", "random", "urandom")
# The files that engines put into every container to resolve host names.
NETWORK_FILES = ("/etc/hosts", "/etc/resolv.conf")
SET_ID_BITS = 0o6000
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NEVER_STOPPED_CODE = 137  # 128 + SIGKILL, as engines report it


@contextlib.contextmanager
def unpacked(artifact: Artifact, engine: str) -> Iterator[Path]:
    """A folder with the image's `root` and an empty `tmp`; it is removed only if something fails.

    Args:
        artifact: The image.
        engine: The engine's name; folders that it left when it was killed are removed.

    Raises:
        ImageError: the archive is not the image that was built, or cannot be unpacked.
    """
    prefix = f"pystatic-{engine}-"
    remove_abandoned(prefix, remove=remove_tree)
    folder = Path(tempfile.mkdtemp(prefix=owned(prefix)))
    try:
        # The program's user must be able to pass through, but nobody else needs to read it.
        folder.chmod(0o711)
        extract(artifact.archive, folder / "root", artifact.written, artifact.volumes)
        make_shared(folder / "tmp")
        yield folder
    except BaseException:
        remove_tree(folder)
        raise


def make_shared(folder: Path) -> None:
    """Make a folder in which everyone may write."""
    folder.mkdir()
    folder.chmod(0o1777)


@dataclass(frozen=True, kw_only=True)
class LocalContainer:
    """One program.

    Attributes:
        process: The process that runs the program as its first child.
        folder: The folder of everything that was made for it.
        command: The command that runs a program of the image.
        artifact: The image that it was started from.
        where: Host and port at which it listens; None if it serves none.
        env: Environment variables in addition to the image's own.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    command: Sequence[str]
    artifact: Artifact
    where: tuple[str, int] | None
    env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def start(
        cls,
        engine: str,
        folder: Path,
        command: Sequence[str],
        artifact: Artifact,
        policy: Policy,
        arguments: Sequence[str],
        stderr: int = subprocess.STDOUT,
    ) -> LocalContainer:
        """Run the program of an image that was unpacked into the folder.

        Raises:
            ImageError: the program's port is in use, or is not the wanted one.
        """
        where = address_here(artifact, policy, engine)
        with os.fdopen(os.open(folder / "output", NEW_FILE, 0o600), "wb") as output:
            process = subprocess.Popen(
                [*command, artifact.entrypoint, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=stderr,
                cwd="/",
                env=environment(artifact, where, policy.env),
                # Ctrl-C is for us; we end the program with SIGTERM.
                start_new_session=True,
            )
        return cls(process=process, folder=folder, command=command, artifact=artifact, where=where, env=policy.env)

    def address(self) -> tuple[str, int]:
        assert self.where is not None
        return self.where

    def running(self) -> bool:
        return self.process.poll() is None

    def output(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8", errors="replace")

    def follow(self, output: IO[bytes], errors: IO[bytes]) -> None:
        follow_file(self.folder / "output", output, self.running)

    def users(self) -> set[str]:
        program = self.program()
        processes = {program, *descendants(program)} if program else set()
        return {uid for uid in map(user_of, processes) if uid}

    def program(self) -> int | None:
        """PID of the program on this machine."""
        return next(iter(children(self.process.pid)), None)

    def execute(self, arguments: Sequence[str]) -> int:
        return subprocess.run(
            [*self.command, self.artifact.entrypoint, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            env=environment(self.artifact, self.where, self.env),
            check=False,
        ).returncode

    def wait(self, timeout: float) -> int | None:
        try:
            return self.code(self.process.wait(timeout))
        except subprocess.TimeoutExpired:
            return None

    def code(self, returncode: int) -> int:
        """The program's exit code, from the exit code of the process that ran it."""
        return exit_code(returncode)

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


def run_at_terminal(
    engine: str, command: Sequence[str], artifact: Artifact, policy: Policy, arguments: Sequence[str]
) -> int:
    """Run the program of an unpacked image with our standard input and output until it ends; its exit code.

    Raises:
        ImageError: the program's port is in use, or is not the wanted one.
    """
    variables = environment(artifact, address_here(artifact, policy, engine), policy.env)
    return exit_code(run_in_foreground([*command, artifact.entrypoint, *arguments], variables))


def extract(archive: Path, root: Path, built: Written | None = None, volumes: Sequence[str] = ()) -> None:
    """Unpack the layers of an image, without following any of its links, and add what engines add.

    Args:
        archive: `image.tar`.
        root: The folder to make.
        built: What the archive must contain, if known.
        volumes: Paths where volumes will be mounted, beside those that are always mounted.

    Raises:
        ImageError: the archive is not the image that was built, or cannot be unpacked.
    """
    root.mkdir()
    root.chmod(0o755)
    for layer in open_layers(archive, built):
        for member in layer:
            unpack(member, root)
    for mounted in (*MOUNT_POINTS, *volumes, "etc"):
        require_folder(archive, root, mounted.lstrip("/"))
    for file in filter(os.path.exists, NETWORK_FILES):
        copy_file(archive, root, file.lstrip("/"), Path(file).read_bytes())


def unpack(member: Member, root: Path) -> None:
    """Unpack a member of a layer, without set-id bits, which would give rights to others who find the folder."""
    mode = stat.S_IMODE(member.mode) & ~SET_ID_BITS
    if member.kind == "folder":
        make_folder(root, member.name, mode | 0o700)
    elif member.kind == "link":
        make_link(root, member.name, member.link)
    else:
        make_file(root, member.name, member.content, mode)


def require_folder(archive: Path, root: Path, path: str) -> None:
    """Make a mount point if the image has no such folder; ImageError if it has something else there."""
    try:
        with folder_at(root, path):
            pass
    except NotADirectoryError:
        raise ImageError(
            f"{archive} holds something other than a folder at '{path}', where the image needs a folder to run.",
            BUILD_AGAIN,
        ) from None


def copy_file(archive: Path, root: Path, path: str, content: bytes) -> None:
    """Replace a file of the image by this machine's; ImageError if the image has a folder there."""
    try:
        make_file(root, path, [content], 0o644)
    except IsADirectoryError:
        raise ImageError(
            f"{archive} holds a folder at '{path}', where the image needs a file to run.", BUILD_AGAIN
        ) from None


def environment(artifact: Artifact, where: tuple[str, int] | None, more: Mapping[str, str]) -> dict[str, str]:
    """The variables that engines set, the image's, this run's, and those that say where to listen."""
    variables = {"PATH": PATH, "HOME": "/", **artifact.env, **more}
    return {**variables, **listening(artifact, where, variables)}


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
    """A process's exit code as engines report it: 128 + N after signal N."""
    return 128 - returncode if returncode < 0 else returncode
