"""The commands to type after an image is built."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.oci.references import names_registry

# The options of a careful operator, and of smoke.
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
EXAMPLE_REGISTRY = "registry.example"


def next_commands(config: ImageConfig, command: Callable[..., str], engine: str, ports: Sequence[int]) -> list[str]:
    """Commands that test the image, run it and push it.

    Args:
        config: The image that was built.
        command: Returns the command that runs a step with options; "" for a step that will run anyway.
        engine: Name of an engine that the image was loaded into and that can run it; "" if there is none.
        ports: TCP ports that it serves.
    """
    archive = shlex.quote(shown(config, config.dist / "image.tar"))
    run = run_command(config, engine, ports) if engine else command("run")
    commands = [command("smoke"), run, push_command(config, archive, command)]
    return [each for each in commands if each]


def run_command(config: ImageConfig, engine: str, ports: Sequence[int]) -> str:
    publish = [word for port in ports for word in ("-p", f"{port}:{port}")] if config.app else []
    tmp = ["--tmpfs", "/tmp:exec,mode=1777"] if config.has_tmp else []
    arguments = [] if config.app else config.smoke.command
    return shlex.join([engine, "run", "--rm", *publish, *HARDENED, *tmp, config.references[0], *arguments])


def push_command(config: ImageConfig, archive: str, command: Callable[..., str]) -> str:
    """With our own push if a tag names a registry; otherwise with skopeo, which needs no engine either."""
    targets = [each for each in config.references if names_registry(each)]
    if targets:
        return command("push", *(word for each in targets for word in ("--tag", each)))
    return f"skopeo copy oci-archive:{archive} docker://{EXAMPLE_REGISTRY}/{config.references[0]}"
