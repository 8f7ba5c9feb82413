from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path

import pytest

from pystatic_tasks.steps.freeze.observe.private import private_memory


def test_what_runs_there_sees_and_leaves_nothing_in_the_machines_memory() -> None:
    command = private_memory()
    if not command:
        pytest.skip("no namespaces here")
    name = Path("/dev/shm", f"pystatic-{uuid.uuid4()}")
    name.touch()
    try:
        script = f"ls -A /dev/shm; echo x > {name}; cat {name}"
        done = subprocess.run([*command, "sh", "-c", script], capture_output=True, text=True, check=True, timeout=20)
        assert done.stdout == "x\n"
        assert name.read_bytes() == b""
    finally:
        name.unlink()


def test_without_the_tool_for_it_nothing_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for user in (0, 1000):
        private_memory.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(os, "geteuid", lambda user=user: user)
            assert private_memory() == ()
    private_memory.cache_clear()
