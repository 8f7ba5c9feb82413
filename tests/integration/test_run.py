"""The image in the foreground, in every engine, at a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import TAG, Project, clean_environment, engine_or_skip, let_others_pass, tool_or_skip

from pystatic_tasks.config.model import ENGINE_NAMES, EngineName, Request
from pystatic_tasks.engines.registry import engine_called
from pystatic_tasks.in_env.web.client import free_port, send

CTRL_C = b"\x03"


def lines_of(terminal: int) -> Iterator[str]:
    """What is written to a terminal, line by line, until nobody has it any more."""
    with os.fdopen(terminal, "rb", buffering=0, closefd=False) as written:
        rest = b""
        while True:
            try:
                rest += written.read(2**16)
            except OSError:
                return
            *lines, rest = rest.split(b"\r\n")
            yield from (line.decode(errors="replace") for line in lines)


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_the_sample_runs_until_ctrl_c_in(engine: EngineName, sample: Project, tmp_path: Path) -> None:
    engine_or_skip(engine)
    tool_or_skip("setsid")
    # PRoot has become another user when it looks there.
    let_others_pass(tmp_path)
    port = free_port()
    ours, theirs = os.openpty()
    words = ["-s", "run", "--", "--engine", engine, "--publish", str(port)]
    nox = subprocess.Popen(
        ["setsid", "--ctty", "env", "--default-signal=INT", sys.executable, "-m", "nox", *words],
        cwd=sample.root,
        env={**clean_environment(), "TERM": "dumb", "NO_COLOR": "1", "TMPDIR": str(tmp_path)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    lines = lines_of(ours)
    try:
        before: list[str] = []
        for line in lines:
            before.append(line)
            if "Ctrl-C ends it" in line:
                break
        address = f"http://127.0.0.1:{port}/"
        runs = f"nox > sample-app runs at {address} ({engine}); Ctrl-C ends it"
        assert before[-2:] == ["nox > Running session run", runs], "\n".join(before)
        assert any("Booting worker" in line for line in lines)
        assert send(Request(path="/?min=2&max=2"), ("127.0.0.1", port), 30).body == '{"number": 2, "min": 2, "max": 2}'
        os.write(ours, CTRL_C)
        after = list(lines)
        assert nox.wait(30) == 0, after
    finally:
        nox.kill()
        nox.wait()
        os.close(ours)
        if engine_called(engine).keeps_images:
            subprocess.run([engine, "image", "rm", "--force", f"sample-app:{TAG}"], capture_output=True, check=True)
    assert any("Handling signal: term" in line for line in after)
    assert any(line.startswith("nox > sample-app ended with exit code 0 after ") for line in after)
    assert not [line for line in after if "Traceback" in line]
    assert left_of(engine, tmp_path) == []


def left_of(engine: EngineName, temporary: Path) -> list[str]:
    """Containers that the step run left in an engine."""
    if not engine_called(engine).keeps_images:
        return [path.name for path in temporary.glob(f"pystatic-{engine}-*")]
    listed = [engine, "ps", "--all", "--format", '{{.Label "pystatic-tasks.owner"}}']
    owners = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines()
    return [owner for owner in owners if owner.endswith("sample-app:run")]
