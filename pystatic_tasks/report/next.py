"""The commands that one would type after an image was built."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from pystatic_tasks.config.model import ENGINE_NAMES, ImageConfig, shown
from pystatic_tasks.oci.references import names_registry

# As a careful operator runs it, and as smoke does.
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
EXAMPLE_REGISTRY = "registry.example"


def next_commands(
    config: ImageConfig, command: Callable[..., str], engines: Sequence[str], ports: Sequence[int]
) -> list[str]:
    """Commands that prove the image, run it and push it.

    Args:
        config: What was built.
        command: Gives the command that runs a step with options; empty for a step that will run anyway.
        engines: Names of the engines that the image was loaded into.
        ports: TCP ports that it serves.
    """
    archive = shlex.quote(shown(config, config.dist / "image.tar"))
    commands = [command("smoke"), run_command(config, archive, engines, ports), push_command(config, archive, command)]
    return [each for each in commands if each]


def run_command(config: ImageConfig, archive: str, engines: Sequence[str], ports: Sequence[int]) -> str:
    engine = engines[0] if engines else ENGINE_NAMES[0]
    publish = [word for port in ports for word in ("-p", f"{port}:{port}")] if config.app else []
    tmp = ["--tmpfs", "/tmp:exec,mode=1777"] if config.has_tmp else []
    arguments = [] if config.app else config.smoke.command
    words = [engine, "run", "--rm", *publish, *HARDENED, *tmp, config.references[0], *arguments]
    load = "" if engines else f"{engine} load --input {archive} && "
    return load + shlex.join(words)


def push_command(config: ImageConfig, archive: str, command: Callable[..., str]) -> str:
    """By ours where a tag names a registry, otherwise by skopeo, which needs no engine either."""
    targets = [each for each in config.references if names_registry(each)]
    if targets:
        return command("push", *(word for each in targets for word in ("--tag", each)))
    return f"skopeo copy oci-archive:{archive} docker://{EXAMPLE_REGISTRY}/{config.references[0]}"
