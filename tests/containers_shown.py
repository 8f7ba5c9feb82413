"""Containers that commands of the documentation start."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from shown import Command


@contextlib.contextmanager
def started(command: Command, instead: Mapping[str, str]) -> Iterator[str]:
    """The name of the container that a `docker run` starts, in the background; removed afterwards, volumes too."""
    name = f"pystatic-test-{secrets.token_hex(4)}"
    begins = "docker run --rm" if "--rm" in command.text else "docker run"
    try:
        command.typed(Path("/"), {**instead, begins: f"docker run --detach --name {name}"})
        yield name
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", name], check=True, capture_output=True)


def wait_for(name: str, words: str, times: int = 1) -> str:
    """What a container has written, once these words are in it so often; fails after 30 seconds."""
    ended = time.monotonic() + 30
    while True:
        logs = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=True)
        written = logs.stdout + logs.stderr
        if written.count(words) >= times:
            return written
        assert time.monotonic() < ended, written
        time.sleep(0.2)
