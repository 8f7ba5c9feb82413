from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import pytest

from pystatic_tasks.config.model import ImageConfig, Smoke
from pystatic_tasks.engines import Artifact
from pystatic_tasks.engines.base import Exit
from pystatic_tasks.steps.smoke.plain import Plain
from pystatic_tasks.steps.smoke.runs import let_start, run_until_stopped

# A server whose second worker starts after the first one, and which does not heed SIGTERM meanwhile.
SERVER = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(0.8)
print("ready", flush=True)
time.sleep(0.4)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.pause()
"""


class Process:
    """A program of this machine as a container."""

    def __init__(self, log: Path, code: str) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen([sys.executable, "-c", code], stdout=output, stderr=output)

    @property
    def artifact(self) -> Artifact:
        return Artifact(archive=self._log, image_id="", references=(), entrypoint="/shop", env={}, port=None)

    def address(self) -> tuple[str, int]:
        raise NotImplementedError

    def running(self) -> bool:
        return self._process.poll() is None

    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def follow(self, output: IO[bytes], errors: IO[bytes]) -> None:
        raise NotImplementedError

    def users(self) -> set[str]:
        return {"65535"}

    def execute(self, arguments: Sequence[str]) -> int:
        raise NotImplementedError

    def wait(self, timeout: float) -> int | None:
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, grace: float) -> Exit:
        begun = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        code = self.wait(1)
        self.remove()
        return Exit(code=137 if code is None else 128 - code, seconds=time.monotonic() - begun)

    def leftovers(self) -> list[str]:
        return []

    def remove(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path / "log", SERVER)
    yield process
    process.remove()


def test_a_program_is_stopped_when_its_other_workers_may_have_started(tmp_path: Path, server: Process) -> None:
    smoke = Smoke(long_running=True, stdout="ready")
    config = ImageConfig(root=tmp_path, project=tmp_path, name="shop", command="shop", smoke=smoke)
    run = run_until_stopped(config, server, Plain(), "65535:65535", time.monotonic())
    assert [(check.name, check.passed) for check in run.checks if "TERM" in check.name] == [("TERM ends it", True)]


@pytest.mark.parametrize(("took", "ago", "waits"), [(0.3, 0.1, 0.2), (0.3, 0.5, 0.0), (60.0, 9.9, 0.1)])
def test_other_workers_get_as_long_as_the_first_one_took_but_no_longer_than_a_stop(
    server: Process, took: float, ago: float, waits: float
) -> None:
    now = time.monotonic()
    let_start(server, now - ago - took, now - ago)
    assert time.monotonic() - now == pytest.approx(waits, abs=0.09)
