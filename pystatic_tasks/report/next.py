"""The commands that one would type after an image was built."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pystatic_tasks.config.model import Image
from pystatic_tasks.pipeline import shown
from pystatic_tasks.references import names_registry

# As a careful operator runs it, and as smoke does.
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
EXAMPLE_REGISTRY = "registry.example"


def next_commands(image: Image, smoke: str, push: str, engines: Sequence[str], ports: Sequence[int]) -> list[str]:
    """Commands that prove the image, run it and push it.

    Args:
        image: What was built.
        smoke: The command that runs smoke; none if empty.
        push: The command that pushes; none if empty.
        engines: Names of the engines that the image was loaded into.
        ports: TCP ports that it serves.
    """
    archive = shlex.quote(shown(image, image.dist / "image.tar"))
    prove = [smoke] if smoke else []
    return [*prove, run_command(image, archive, engines, ports), *push_commands(image, archive, push)]


def run_command(image: Image, archive: str, engines: Sequence[str], ports: Sequence[int]) -> str:
    engine = engines[0] if engines else "docker"
    publish = [word for port in ports for word in ("-p", f"{port}:{port}")] if image.app else []
    tmp = ["--tmpfs", "/tmp:exec,mode=1777"] if image.layout == "onefile" else []
    arguments = [] if image.app else image.smoke.command
    words = [engine, "run", "--rm", *publish, *HARDENED, *tmp, image.references[0], *arguments]
    load = "" if engines else f"{engine} load --input {archive} && "
    return load + shlex.join(words)


def push_commands(image: Image, archive: str, push: str) -> list[str]:
    """By ours where a tag names a registry, otherwise by skopeo, which needs no engine either."""
    if any(map(names_registry, image.references)):
        return [push] if push else []
    return [f"skopeo copy oci-archive:{archive} docker://{EXAMPLE_REGISTRY}/{image.references[0]}"]
