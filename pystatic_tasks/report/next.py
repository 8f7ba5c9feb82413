"""The commands that one would type after an image was built."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pystatic_tasks.config.model import Image
from pystatic_tasks.pipeline import shown

# As a careful operator runs it, and as smoke does.
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
EXAMPLE_REGISTRY = "registry.example"


def next_commands(image: Image, smoke: str, engines: Sequence[str], ports: Sequence[int]) -> list[str]:
    """Commands that prove the image, run it and push it.

    Args:
        image: What was built.
        smoke: The command that runs smoke; none if empty.
        engines: Names of the engines that the image was loaded into.
        ports: TCP ports that it serves.
    """
    archive = shlex.quote(shown(image, image.dist / "image.tar"))
    prove = [smoke] if smoke else []
    return [*prove, run_command(image, archive, engines, ports), push_command(image, archive)]


def run_command(image: Image, archive: str, engines: Sequence[str], ports: Sequence[int]) -> str:
    engine = engines[0] if engines else "docker"
    publish = [word for port in ports for word in ("-p", f"{port}:{port}")] if image.app else []
    tmp = ["--tmpfs", "/tmp:exec,mode=1777"] if image.layout == "onefile" else []
    arguments = [] if image.app else image.smoke.command
    words = [engine, "run", "--rm", *publish, *HARDENED, *tmp, image.references[0], *arguments]
    load = "" if engines else f"{engine} load --input {archive} && "
    return load + shlex.join(words)


def push_command(image: Image, archive: str) -> str:
    """By skopeo, which needs no engine."""
    target = next((each for each in image.references if names_registry(each)), None)
    return f"skopeo copy oci-archive:{archive} docker://{target or f'{EXAMPLE_REGISTRY}/{image.references[0]}'}"


def names_registry(reference: str) -> bool:
    """Whether its first part is a host, by the rule of https://github.com/distribution/reference."""
    first, slash, _ = reference.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")
