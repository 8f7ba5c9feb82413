"""The benchmark, as short as it gets: that it measures what it says, and refuses to measure anything else."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support import DEBIANS_PYTHON, REPOSITORY, only_everywhere, tool_or_skip

from pystatic_tasks.in_env.web.client import free_port

LINE = re.compile(
    r"^\| (plain Python|tree|onefile|slim|staticx) \| ([0-9.]+) \| [0-9.]+ \| [0-9.]+ \| ([0-9.]+) \|$", re.MULTILINE
)
ROW = re.compile(r"^\| ([^|]+) \| ([0-9.]+) \| [0-9.]+ \| [0-9.]+ \| [0-9.]+ \|$", re.MULTILINE)
TABLES = [
    "start to the first right answer, processes (ms)",
    "requests per second (wrk, 1 s)",
    "PSS of all processes, 1 worker (MiB)",
    "PSS of all processes, 4 workers (MiB)",
    "PSS of all processes, 8 workers (MiB)",
]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    variables = {**os.environ, "NOX_DEFAULT_VENV_BACKEND": "uv"}
    return subprocess.run(command, cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=False)


def test_a_taken_port_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = bench("--port", str(port), "--folder", str(tmp_path / "bench"))
    assert result.returncode == 1
    assert result.stderr == (
        f"Port {port} of 127.0.0.1 is taken (Address already in use), so nothing is measured: "
        "stop what holds it, or choose another by --port.\n"
    )
    assert not (tmp_path / "bench").exists()


@only_everywhere
def test_it_measures_each_in_turn(tmp_path: Path) -> None:
    tool_or_skip("wrk")
    tool_or_skip("uv")
    if not DEBIANS_PYTHON.exists():
        pytest.skip(f"there is no {DEBIANS_PYTHON}")
    small = ["--rounds", "1", "--seconds", "1", "--no-containers"]
    result = bench(*small, "--port", str(free_port()), "--folder", str(tmp_path))
    assert result.returncode == 0, result.stderr
    for title in TABLES:
        _, found, table = result.stdout.partition(f"| {title} |")
        assert found, result.stdout
        rows = LINE.findall(table)[:5]
        assert [name for name, _, _ in rows] == ["plain Python", "tree", "onefile", "slim", "staticx"]
        assert rows[0][2] == "1.000"
        assert all(float(median) > 0 for _, median, _ in rows)
    for image in ("tree", "onefile", "slim", "staticx"):
        _, found, table = result.stdout.partition(f"| nox -s image, {image} (s) |")
        assert found, result.stdout
        names = ("everything (--no-cache)", "one changed line", "nothing changed")
        seconds = {name: float(median) for name, median in ROW.findall(table)[:3]}
        assert tuple(seconds) == names
        assert all(each > 0 for each in seconds.values())
