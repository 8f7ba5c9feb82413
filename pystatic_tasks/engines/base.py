"""What every engine can do."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, Protocol

from pystatic_tasks.config.model import DEFAULT_SERVER, ImageConfig, ServerKind
from pystatic_tasks.errors import ImageError
from pystatic_tasks.in_env.web.client import LOOPBACK, free_port, is_taken
from pystatic_tasks.in_image.servers import find_server
from pystatic_tasks.oci.archive import Written

COMMAND_TIMEOUT_SECONDS = 120
# Docker and Podman kill so many seconds after TERM.
GRACE_SECONDS = 10.0
# Of what a program leaves in /tmp.
LEVELS_SHOWN = 8
FOLLOW_SECONDS = 0.05
OF_THEIR_OWN = "without services, all engines except the sandbox and PRoot have their own ports"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """The image to run.

    Attributes:
        archive: `image.tar`.
        image_id: Digest of its configuration, "sha256:…".
        references: Its names with their tags, such as "shop:1.4".
        entrypoint: Absolute path of the program in the image.
        env: The image's environment variables.
        port: TCP port that it serves, or None.
        takes_port: Whether its server can be told to listen at another port.
        volumes: Folders of the image that are writable, anew for each container.
        server: What serves at that port.
        written: What the archive must hold; any image will do if there is none.
    """

    archive: Path
    image_id: str
    references: Sequence[str]
    entrypoint: str
    env: Mapping[str, str]
    port: int | None
    takes_port: bool = True
    volumes: Sequence[str] = ()
    server: ServerKind = DEFAULT_SERVER
    written: Written | None = None

    @property
    def identities(self) -> tuple[str, ...]:
        """The digests that engines know it by: that of its configuration, or, in containerd's store, its manifest's."""
        return (self.image_id, *([self.written.digest] if self.written else []))


def make_artifact(config: ImageConfig, *, written: Written, ports: Sequence[int]) -> Artifact:
    """The artifact that the image step left, by what it wrote and the ports that it serves."""
    return Artifact(
        archive=config.dist / "image.tar",
        image_id=written.image_id,
        references=config.references,
        entrypoint=f"/{config.name}",
        env=config.environment,
        port=(ports[0] if ports else None) if config.app else config.smoke.port,
        takes_port=config.app is not None,
        volumes=config.image.volumes,
        server=config.server_kind,
        written=written,
    )


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How a careful operator runs it: root read-only, no capabilities, no new privileges, and this.

    Attributes:
        user: "UID:GID".
        writable_tmp: Whether /tmp is writable and may hold executables.
        memory_bytes: Memory limit, where the engine has one.
        env: Environment variables beside the image's own.
        owner: Who runs it. What an earlier run of the same owner left, since it was killed, is removed.
        host_network: Whether it is in the machine's network, where services of the machine are at 127.0.0.1.
        publish: Host and port of this machine at which its TCP port is reached; a free port of 127.0.0.1 unless given.
    """

    user: str
    writable_tmp: bool
    memory_bytes: int
    env: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    host_network: bool = False
    publish: tuple[str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a container ended."""

    code: int
    seconds: float


class Container(Protocol):
    """One running, or ended, program."""

    @property
    def artifact(self) -> Artifact:
        """What it was started from."""

    def address(self) -> tuple[str, int]:
        """Host and port at which its TCP port is reached."""

    def running(self) -> bool:
        """Whether it has not ended yet."""

    def output(self) -> str:
        """All that it wrote to standard output and standard error."""

    def follow(self, output: IO[bytes], errors: IO[bytes]) -> None:
        """Copy what it writes to these files as it comes, from its start to its end; `output` may get both."""

    def users(self) -> set[str]:
        """Numbers or names of the users its processes run as."""

    def execute(self, arguments: Sequence[str]) -> int:
        """Run its program once more beside it, with arguments; the exit code."""

    def wait(self, timeout: float) -> int | None:
        """The exit code, or None if it still runs after `timeout` seconds."""

    def stop(self, grace: float) -> Exit:
        """Send TERM, and KILL after `grace` seconds."""

    def leftovers(self) -> list[str]:
        """What lies in /tmp after it ended, up to `LEVELS_SHOWN` levels."""

    def remove(self) -> None:
        """Remove it and all that was made for it."""


class Engine(Protocol):
    """Loads and runs images; a value, by which it is remembered whether it works."""

    def __hash__(self) -> int: ...

    @property
    def name(self) -> str:
        """Its name, which is its module's too."""

    @property
    def keeps_images(self) -> bool:
        """Whether images are loaded into it, and stay there."""

    @property
    def unchecked(self) -> tuple[str, ...]:
        """What of the contract this engine cannot hold an image to."""

    def version(self) -> str:
        """Its version; empty if it does not work here."""

    def problem(self) -> str:
        """Why it does not work here."""

    def load(self, artifact: Artifact) -> bool:
        """Make the image known to the engine under all its references; False if it was already."""

    def unload(self, artifact: Artifact) -> None:
        """Let the engine forget the image, if it knows it."""

    def start(self, artifact: Artifact, policy: Policy, arguments: Sequence[str]) -> Container:
        """Run the image in the background."""

    def run_at_terminal(self, artifact: Artifact, policy: Policy, arguments: Sequence[str]) -> int:
        """Run the image with our standard input and output until it ends, and remove it; the exit code."""


def address_here(artifact: Artifact, policy: Policy, engine: str) -> tuple[str, int] | None:
    """Host and port of this machine at which a program in the machine's network will listen.

    Raises:
        ImageError: it listens at one port only, and that is taken, or another one is wanted.
    """
    if artifact.port is None:
        return None
    if artifact.takes_port:
        return policy.publish or (LOOPBACK, free_port())
    if is_taken(artifact.port):
        raise ImageError(
            f"Port {artifact.port} is in use, and {engine} runs the image in this machine's network.",
            f"Stop the program that listens there; {OF_THEIR_OWN}.",
        )
    if policy.publish and policy.publish[1] != artifact.port:
        raise ImageError(
            f"The program listens at port {artifact.port}, and {engine} runs it in this machine's network, "
            f"where it cannot be published at port {policy.publish[1]}.",
            f"Publish it at its own port; {OF_THEIR_OWN}.",
        )
    return LOOPBACK, artifact.port


def listening(artifact: Artifact, where: tuple[str, int] | None, variables: Mapping[str, str]) -> Mapping[str, str]:
    """The variables that make the program listen at that host and port; `variables` are all others."""
    if where is None or not artifact.takes_port:
        return {}
    return find_server(artifact.server).listen_at(variables, *where)


def follow_file(path: Path, output: IO[bytes], is_written: Callable[[], bool]) -> None:
    """Copy what is written to a file as it comes, from its start until nobody writes any more."""
    with path.open("rb") as file:
        more = True
        while more:
            # Asked first, so that what is written last is seen.
            more = is_written()
            shutil.copyfileobj(file, output)
            output.flush()
            if more:
                time.sleep(FOLLOW_SECONDS)


def call(
    *command: str,
    check: bool = True,
    timeout: float = COMMAND_TIMEOUT_SECONDS,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> subprocess.CompletedProcess[str]:
    """Run an engine's command line, with environment variables of its own beside ours.

    Raises:
        ImageError: it failed, with what it said.
    """
    try:
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**os.environ, **variables},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ImageError(
            f'"{" ".join(command[:2])}" did not answer within {timeout:.0f} seconds.',
            f"Check that {command[0]} works.",
        ) from None
    if check and result.returncode != 0:
        said = (result.stderr or result.stdout).strip().splitlines()
        raise ImageError(
            f'"{" ".join(command[:2])}" failed with exit code {result.returncode}{":" if said else "."}',
            f"Check that {command[0]} works.",
            said[-5:],
        )
    return result
