"""The interface of engines and containers, and what several engines use."""

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
# Docker and Podman send SIGKILL this long after SIGTERM.
GRACE_SECONDS = 10.0
# How many levels of files in /tmp are shown.
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
        takes_port: Whether its server can listen at another port.
        volumes: Writable folders of the image, new for each container.
        server: The server at that port.
        written: What the archive must contain; None accepts any image.
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
        """The digests by which engines know it: its configuration's, or, in containerd's store, its manifest's."""
        return (self.image_id, *([self.written.digest] if self.written else []))


def make_artifact(config: ImageConfig, *, written: Written, ports: Sequence[int]) -> Artifact:
    """The artifact of the image step, from what it wrote and the ports that the image serves."""
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
    """How a careful operator runs it: with a read-only root, no capabilities and no new privileges, and as follows.

    Attributes:
        user: "UID:GID".
        writable_tmp: Whether /tmp is writable and may hold executables.
        memory_bytes: Memory limit, if the engine supports one.
        env: Environment variables in addition to the image's own.
        owner: Who runs it; containers that an earlier, killed run of the same owner left are removed.
        host_network: Whether it uses this machine's network, where its services are at 127.0.0.1.
        publish: Host and port of this machine for its TCP port; by default a free port of 127.0.0.1.
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
    """A program that runs or has ended."""

    @property
    def artifact(self) -> Artifact:
        """The image that it was started from."""

    def address(self) -> tuple[str, int]:
        """Host and port of its TCP port on this machine."""

    def running(self) -> bool:
        """Whether it has not ended yet."""

    def output(self) -> str:
        """Everything that it wrote to standard output and standard error."""

    def follow(self, output: IO[bytes], errors: IO[bytes]) -> None:
        """Copy its output to these files while it runs, from the beginning to the end; `output` may get both."""

    def users(self) -> set[str]:
        """Numbers or names of the users that its processes run as."""

    def execute(self, arguments: Sequence[str]) -> int:
        """Run its program a second time in the container, with arguments; the exit code."""

    def wait(self, timeout: float) -> int | None:
        """The exit code, or None if it still runs after `timeout` seconds."""

    def stop(self, grace: float) -> Exit:
        """Send SIGTERM, and SIGKILL after `grace` seconds."""

    def leftovers(self) -> list[str]:
        """The paths in /tmp after its end, up to `LEVELS_SHOWN` levels."""

    def remove(self) -> None:
        """Remove it, and everything that was made for it."""


class Engine(Protocol):
    """Loads and runs images; hashable, so that it can be remembered whether it works."""

    def __hash__(self) -> int: ...

    @property
    def name(self) -> str:
        """Its name, which is also its module's."""

    @property
    def keeps_images(self) -> bool:
        """Whether images can be loaded into it permanently."""

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Parts of the contract that this engine cannot check."""

    def version(self) -> str:
        """Its version; empty if it does not work here."""

    def problem(self) -> str:
        """Why it does not work here."""

    def load(self, artifact: Artifact) -> bool:
        """Load the image under all its references; False if it was already loaded."""

    def unload(self, artifact: Artifact) -> None:
        """Remove the image from the engine, if it is there."""

    def start(self, artifact: Artifact, policy: Policy, arguments: Sequence[str]) -> Container:
        """Run the image in the background."""

    def run_at_terminal(self, artifact: Artifact, policy: Policy, arguments: Sequence[str]) -> int:
        """Run the image with our standard input and output until it ends, and remove it; the exit code."""


def address_here(artifact: Artifact, policy: Policy, engine: str) -> tuple[str, int] | None:
    """Host and port of this machine at which a program in this machine's network will listen.

    Raises:
        ImageError: it can listen at only one port, which is in use or is not the wanted one.
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
    """The variables that make the program listen at this host and port; `variables` are all others."""
    if where is None or not artifact.takes_port:
        return {}
    return find_server(artifact.server).listen_at(variables, *where)


def follow_file(path: Path, output: IO[bytes], is_written: Callable[[], bool]) -> None:
    """Copy a file while it is being written, from its beginning until it is complete."""
    with path.open("rb") as file:
        more = True
        while more:
            # Asked before copying, so that the last lines are not missed.
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
    """Run an engine's command with additional environment variables.

    Raises:
        ImageError: it failed, with its output.
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
