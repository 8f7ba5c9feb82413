"""What engines with command lines like Docker's have in common."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from pystatic_tasks.engines.base import LEVELS_SHOWN, Artifact, Container, Exit, Policy, address_here, call, listening
from pystatic_tasks.engines.foreground import is_terminal, run_in_foreground
from pystatic_tasks.errors import ImageError
from pystatic_tasks.in_env.web.client import LOOPBACK
from pystatic_tasks.system.beneath import names_below, temporary_folder
from pystatic_tasks.system.machine import is_root
from pystatic_tasks.system.processes import undisturbed, with_our_life

VERSION_TIMEOUT_SECONDS = 20
OWNER_LABEL = "pystatic-tasks.owner"


# Variables that the commands themselves use: other values would lead them to another engine, or to none.
# None of them is a secret.
OF_COMMANDS = re.compile(
    r"PATH|HOME|TMPDIR|LD_\w+|XDG_\w+|DOCKER_(HOST|CONTEXT|CONFIG|CERT_PATH|TLS|TLS_VERIFY|API_VERSION|DEFAULT_PLATFORM)"
    r"|CONTAINER_(HOST|CONNECTION)|CONTAINERS_\w*CONF\w*|CONTAINERD_(ADDRESS|NAMESPACE|SNAPSHOTTER)|NERDCTL_TOML"
    r"|STORAGE_(DRIVER|OPTS)|CNI_PATH|NETCONFPATH"
)


@dataclass(frozen=True, kw_only=True)
class CommandLineEngine:
    """An engine with a command line like Docker's.

    Attributes:
        name: The command.
        version_arguments: Arguments that print the server's version, or fail without a server.
        run_arguments: Additional arguments to run a container under a policy.
        users_arguments: Arguments with which `top` lists the users of a container's processes.
        by_reference: Whether it takes an image only by a reference, not by its digest.
        without_root: Why only root can use it; empty if every user can.
    """

    name: str
    version_arguments: tuple[str, ...]
    run_arguments: tuple[str, ...]
    users_arguments: tuple[str, ...]
    by_reference: bool = False
    without_root: str = ""
    unchecked: tuple[str, ...] = ()
    keeps_images: bool = True

    def version(self) -> str:
        return self.ask_version()[0]

    def problem(self) -> str:
        """Why it does not work here."""
        return self.ask_version()[1]

    def ask_version(self) -> tuple[str, str]:
        """Its version, or "" and why there is none."""
        if shutil.which(self.name) is None:
            return "", f'the program "{self.name}" is not on the PATH'
        if self.without_root and not is_root():
            return "", self.without_root
        try:
            result = call(self.name, *self.version_arguments, check=False, timeout=VERSION_TIMEOUT_SECONDS)
        except ImageError as error:
            return "", error.problem.rstrip(".")
        version = result.stdout.strip() if result.returncode == 0 else ""
        return version, next(iter(result.stderr.strip().splitlines()[-1:]), "it does not report its version").rstrip(
            "."
        )

    def load(self, artifact: Artifact) -> bool:
        if all(self.image_id(reference) in artifact.identities for reference in artifact.references):
            return False
        call(self.name, "load", "--input", str(artifact.archive))
        handle = self.handle(artifact)
        for reference in artifact.references:
            if self.image_id(reference) in artifact.identities:
                continue
            # Podman and containerd take only one name from an archive.
            if reference != handle:
                call(self.name, "tag", handle.removeprefix("sha256:"), reference)
            else:
                raise ImageError(
                    f"{self.name} has loaded {artifact.archive}, but {reference} is another image there.",
                    f"Remove that image, and run this again: {self.name} rmi {reference}.",
                )
        return True

    def unload(self, artifact: Artifact) -> None:
        call(self.name, "rmi", "--force", self.handle(artifact).removeprefix("sha256:"), check=False)

    def handle(self, artifact: Artifact) -> str:
        """What its commands accept as the name of the loaded image."""
        if self.by_reference:
            return artifact.references[0]
        return next(filter(self.image_id, artifact.identities), artifact.image_id)

    def image_id(self, reference: str) -> str:
        """The digest by which the engine knows an image, looked up by a name or a digest; or ""."""
        known = call(self.name, "image", "inspect", "--format", "{{.Id}}", reference, check=False).stdout.strip()
        return f"sha256:{known.removeprefix('sha256:')}" if known else ""

    def start(self, artifact: Artifact, policy: Policy, arguments: Sequence[str]) -> Container:
        container, options, variables = self.prepare(artifact, policy)
        try:
            created = ("create", "--name", container.identity, *options, self.handle(artifact), *arguments)
            call(self.name, *created, variables=variables)
            call(self.name, "start", container.identity)
        except BaseException:
            container.remove()
            raise
        return container

    def run_at_terminal(self, artifact: Artifact, policy: Policy, arguments: Sequence[str]) -> int:
        container, options, variables = self.prepare(artifact, policy)
        typed = ["--interactive", *(["--tty"] if is_terminal() else [])]
        words = ["run", "--name", container.identity, *typed, *options, self.handle(artifact), *arguments]
        try:
            return run_in_foreground([self.name, *words], {**os.environ, **variables})
        finally:
            with undisturbed():
                container.remove()

    def prepare(
        self, artifact: Artifact, policy: Policy
    ) -> tuple[CommandLineContainer, Sequence[str], Mapping[str, str]]:
        """A container that is not created yet, and the options and variables of the command that creates it."""
        if policy.owner:
            self.remove_left(policy.owner)
        options = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", policy.user]
        options += ["--memory", f"{policy.memory_bytes}b", *self.run_arguments]
        if policy.writable_tmp:
            # An anonymous volume has the mode of the image's /tmp, and can be inspected afterwards.
            options += ["--volume", "/tmp"]
        where = address_here(artifact, policy, self.name) if policy.host_network else None
        if policy.host_network:
            options += ["--network", "host"]
        elif artifact.port:
            host, port = policy.publish or (LOOPBACK, "")
            options += ["--publish", f"{host}:{port}:{artifact.port}"]
        variables = {**policy.env, **listening(artifact, where, {**artifact.env, **policy.env})}
        apart = {name for name, value in variables.items() if leads_astray(name, value)}
        # Other values are kept off the command line, which every user of the machine can read.
        given = (f"{name}={value}" if name in apart else name for name, value in variables.items())
        options += [word for each in given for word in ("--env", each)]
        if policy.owner:
            options += ["--label", f"{OWNER_LABEL}={policy.owner}"]
        identity = f"pystatic-{secrets.token_hex(8)}"
        container = CommandLineContainer(engine=self, identity=identity, artifact=artifact, where=where)
        return container, options, {name: value for name, value in variables.items() if name not in apart}

    def remove_left(self, owner: str) -> None:
        listed = call(self.name, "ps", "--all", "--quiet", "--filter", f"label={OWNER_LABEL}={owner}", check=False)
        if listed.stdout.split():
            call(self.name, "rm", "--force", "--volumes", *listed.stdout.split(), check=False)


def leads_astray(name: str, value: str) -> bool:
    """Whether a variable of the program would change what the engine's command itself does."""
    return OF_COMMANDS.fullmatch(name) is not None and os.environ.get(name) != value


@dataclass(frozen=True, kw_only=True)
class CommandLineContainer:
    """One container of such an engine.

    Attributes:
        engine: The engine.
        identity: Its name in the engine.
        artifact: The image that it was started from.
        where: Host and port at which it listens in this machine's network; None if it has its own network.
    """

    engine: CommandLineEngine
    identity: str
    artifact: Artifact
    where: tuple[str, int] | None = None

    def call(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return call(self.engine.name, *arguments, check=check)

    def inspect(self, template: str) -> str:
        return self.call("inspect", "--format", template, self.identity).stdout.strip()

    def address(self) -> tuple[str, int]:
        if self.where is not None:
            return self.where
        published = self.call("port", self.identity, f"{self.artifact.port}/tcp").stdout.split()[0]
        host, _, port = published.rpartition(":")
        return host, int(port)

    def running(self) -> bool:
        return self.inspect("{{.State.Running}}") == "true"

    def output(self) -> str:
        logs = self.call("logs", self.identity, check=False)
        return logs.stdout + logs.stderr

    def follow(self, output: IO[bytes], errors: IO[bytes]) -> None:
        command = with_our_life([self.engine.name, "logs", "--follow", self.identity])
        # In its own session, which Ctrl-C does not reach, so that the program's last output is shown too.
        subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True, check=False
        )

    def users(self) -> set[str]:
        lines = self.call("top", self.identity, *self.engine.users_arguments, check=False).stdout.splitlines()[1:]
        return {line.split()[0] for line in lines}

    def execute(self, arguments: Sequence[str]) -> int:
        return self.call("exec", self.identity, self.artifact.entrypoint, *arguments, check=False).returncode

    def wait(self, timeout: float) -> int | None:
        end = time.monotonic() + timeout
        while self.running():
            if time.monotonic() > end:
                return None
            time.sleep(0.05)
        return int(self.inspect("{{.State.ExitCode}}"))

    def stop(self, grace: float) -> Exit:
        started = time.monotonic()
        self.call("stop", "--time", str(int(grace)), self.identity)
        seconds = time.monotonic() - started
        return Exit(code=int(self.inspect("{{.State.ExitCode}}")), seconds=seconds)

    def leftovers(self) -> list[str]:
        with temporary_folder() as folder:
            # Not to standard output, where nerdctl writes an archive only since version 2.3; and the content of /tmp
            # instead of the folder, to which Podman and nerdctl give other names if it is a volume.
            copy = self.call("cp", f"{self.identity}:/tmp/.", str(folder), check=False)
            if copy.returncode != 0:
                raise ImageError(
                    f'"{self.engine.name} cp" failed, so /tmp could not be inspected:',
                    f"Check that {self.engine.name} works.",
                    copy.stderr.strip().splitlines()[-5:],
                )
            return sorted(names_below(folder, LEVELS_SHOWN))

    def remove(self) -> None:
        self.call("rm", "--force", "--volumes", self.identity, check=False)
