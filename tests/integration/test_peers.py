"""Two ways to an image, measured from end to end as `nox -s peers` does."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from support import DEBIANS_PYTHON, REPOSITORY, engine_or_skip, only_everywhere, tool_or_skip

from bench.peers.figures import REFERENCE, read_rows
from bench.peers.images import RELEASE
from bench.server import BenchError, check_port
from pystatic_tasks.in_env.web.client import free_port

PROJECT = "sample-app"


def needs(*tools: str) -> None:
    engine_or_skip("docker")
    for tool in tools:
        tool_or_skip(tool)
    if platform.freedesktop_os_release().get("VERSION_CODENAME") != RELEASE or not DEBIANS_PYTHON.exists():
        pytest.skip(f"this is no Debian {RELEASE} with its Python")


def free_pair() -> int:
    """A free port before another one."""
    port = free_port()
    try:
        check_port(port + 1)
    except BenchError:
        return free_pair()
    return port


def peers(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.peers", "--folder", str(folder), "--project", PROJECT, *arguments]
    command += ["--port", str(free_pair()), "--rounds", "1", "--seconds", "1"]
    variables = {**os.environ, "NOX_DEFAULT_VENV_BACKEND": "uv"}
    return subprocess.run(command, cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=False)


def test_an_unknown_peer_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    needs("debootstrap", "wrk")
    result = peers(tmp_path, "--only", "shiw")
    assert result.returncode == 1
    assert result.stderr.startswith('No peer is called "shiw"; there are debian-slim-with-pip, ')
    assert not list(tmp_path.rglob("*.whl"))


@only_everywhere
def test_two_are_measured_in_turn(tmp_path: Path) -> None:
    needs("debootstrap", "wrk", "uv")
    ours = "ours, one file"
    # Nor compressed by zstd, nor built twice, which takes its time.
    steps = ("--only", "ours-one-file", "--step", "build", "change", "start", "docker", "requests", "memory")
    result = peers(tmp_path, *steps)
    assert result.returncode == 0, result.stderr
    assert result.stderr.endswith("The pages are written once every peer has been tried with every project.\n")
    rows = {row.name: row for row in read_rows(tmp_path / "peers.json")[PROJECT]}
    assert set(rows) == {REFERENCE, ours}
    assert [row.failure for row in rows.values()] == ["", ""]
    sizes = {name: row.on_disk or 0 for name, row in rows.items()}
    assert 0 < sizes[ours] < 8_000_000 < sizes[REFERENCE]
    assert (rows[ours].has_shell, rows[ours].policy) == (False, "yes")
    assert (rows[REFERENCE].has_shell, rows[REFERENCE].policy) == (True, "yes")
    for row in rows.values():
        assert (row.build_seconds or 0) > 0 < (row.change_seconds or 0)
        assert set(row.figures) == {"start", "docker", "requests", "memory"}
        assert all(figure.median > 0 for figure in row.figures.values())
    # All of it is known now, so that nothing is done again.
    before = (tmp_path / "peers.json").read_bytes()
    again = peers(tmp_path, *steps)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "peers.json").read_bytes() == before
    assert f"{PROJECT}: " not in again.stderr
