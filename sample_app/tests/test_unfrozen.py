"""The app under the runner that travels in the image, unfrozen: as one develops it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask(url: str) -> object:
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return json.loads(response.read())
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"no answer from {url}")


def test_it_serves_and_stops() -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "pystatic_tasks.runner", "random_number.api:app", "--bind", address]
    with subprocess.Popen(command, cwd=PROJECT) as process:
        try:
            assert ask(f"http://{address}/?min=5&max=5") == {"number": 5, "min": 5, "max": 5}
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()
