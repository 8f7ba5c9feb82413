"""The commands that one would type after an image was built."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from pystatic_tasks.config.model import Image
from pystatic_tasks.pipeline import shown
from pystatic_tasks.references import names_registry

# As a careful operator runs it, and as smoke does.
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
EXAMPLE_REGISTRY = "registry.example"


def next_commands(image: Image, command: Callable[..., str], engines: Sequence[str], ports: Sequence[int]) -> list[str]:
    """Commands that prove the image, run it and push it.

    Args:
        image: What was built.
        command: Gives the command that runs a step with options; empty for a step that will run anyway.
        engines: Names of the engines that the image was loaded into.
        ports: TCP ports that it serves.
    """
    archive = shlex.quote(shown(image, image.dist / "image.tar"))
    commands = [command("smoke"), run_command(image, archive, engines, ports), push_command(image, archive, command)]
    return [each for each in commands if each]


def run_command(image: Image, archive: str, engines: Sequence[str], ports: Sequence[int]) -> str:
    engine = engines[0] if engines else "docker"
    publish = [word for port in ports for word in ("-p", f"{port}:{port}")] if image.app else []
    tmp = ["--tmpfs", "/tmp:exec,mode=1777"] if image.layout == "onefile" else []
    arguments = [] if image.app else image.smoke.command
    words = [engine, "run", "--rm", *publish, *HARDENED, *tmp, image.references[0], *arguments]
    load = "" if engines else f"{engine} load --input {archive} && "
    return load + shlex.join(words)


def push_command(image: Image, archive: str, command: Callable[..., str]) -> str:
    """By ours where a tag names a registry, otherwise by skopeo, which needs no engine either."""
    targets = [each for each in image.references if names_registry(each)]
    if targets:
        return command("push", *(word for each in targets for word in ("--tag", each)))
    return f"skopeo copy oci-archive:{archive} docker://{EXAMPLE_REGISTRY}/{image.references[0]}"
