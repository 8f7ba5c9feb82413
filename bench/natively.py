"""A stranger as plain Python, asked what its image will be asked: only what is true here may be demanded there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.build import FOREIGN_VARIABLES, REPOSITORY
from bench.stranger import Stranger, lay_out
from pystatic_tasks.config.model import DEFAULT_SERVER, Request
from pystatic_tasks.in_env.web.client import free_port, send
from pystatic_tasks.steps.smoke.probes import mismatch

HOST = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05
# The server of a frozen program, unfrozen, with the worker that its application needs.
SERVE = """
import os, sys
sys.path[:0] = [os.getcwd(), {rooms!r}]
from in_image.application import import_app
from in_image.main import main
from in_image.servers import find_server
server = find_server({kind!r})
app = import_app({target!r})
settings = dict(server.examine(app, {settings!r}, {{}}, {{}}).settings)
sys.exit(main(server, lambda: app, settings, {{}}, []))
"""


class NativeError(Exception):
    """It does not do as plain Python what is demanded of it; the text says what."""


def prove(one: Stranger, folder: Path) -> float:
    """Install it below the folder, run it and ask everything.

    Returns:
        Seconds from its start until everything was seen.

    Raises:
        NativeError: an answer is another one, or its text does not come.
    """
    project, environment = folder / "project", folder / "environment"
    lay_out(one, project)
    install(one, environment)
    port = one.smoke.get("port") or free_port()
    with running(one, folder, command(one, environment), port) as (process, log):
        started = time.monotonic()
        await_text(one, process, log)
        ask(one, process, port, log)
        return time.monotonic() - started


def install(one: Stranger, environment: Path) -> None:
    server = [one.settings.get("server", {}).get("kind", DEFAULT_SERVER)] if "app" in one.settings else []
    uv = [sys.executable, "-m", "uv"]
    for words in (
        ["venv", "--quiet", "--python", sys.executable, environment],
        ["pip", "install", "--quiet", "--python", environment / "bin/python", *one.requirements, *server],
    ):
        result = subprocess.run([*uv, *map(str, words)], capture_output=True, text=True, check=False)
        if result.returncode:
            raise NativeError(f"cannot be installed:\n{result.stderr}")


def command(one: Stranger, environment: Path) -> list[str]:
    python = str(environment / "bin/python")
    arguments = one.smoke.get("command", [])
    if "command" in one.settings:
        return [str(environment / "bin" / one.settings["command"]), *arguments]
    if "script" in one.settings:
        return [python, one.settings["script"], *arguments]
    server = dict(one.settings.get("server", {}))
    kind = server.pop("kind", DEFAULT_SERVER)
    rooms = str(REPOSITORY / "pystatic_tasks")
    return [python, "-c", SERVE.format(rooms=rooms, kind=kind, target=one.settings["app"], settings=server)]


@contextlib.contextmanager
def running(
    one: Stranger, folder: Path, words: Sequence[str], port: int
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The program with a home and a place for temporary files of its own, ended afterwards with all its processes."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            words,
            cwd=folder / "project",
            env=variables(one, folder, port),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process, log
    finally:
        end(process)


def variables(one: Stranger, folder: Path, port: int) -> Mapping[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    listen = {"GUNICORN_CMD_ARGS": f"--bind {HOST}:{port}", "UVICORN_HOST": HOST, "UVICORN_PORT": str(port)}
    return {**inherited, **own, **(listen if "app" in one.settings else {}), **one.env}


def end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def await_text(one: Stranger, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for what a program without HTTP prints, and for its end unless it runs until told to stop."""
    text = one.smoke.get("stdout")
    if text is None:
        return
    limit = time.monotonic() + START_SECONDS
    is_lasting = one.smoke.get("long-running", False)
    while time.monotonic() < limit:
        ended = process.poll() is not None
        said = log.read_text(errors="replace")
        if text in said and (ended or is_lasting):
            break
        if ended:
            raise NativeError(f"ended without {text!r}:\n{said[-2000:]}")
        time.sleep(POLL_SECONDS)
    else:
        raise NativeError(f"has not ended, or not printed {text!r}:\n{said[-2000:]}")
    if not is_lasting and process.returncode != one.smoke.get("exit-code", 0):
        raise NativeError(f"ended with exit code {process.returncode}:\n{said[-2000:]}")


def ask(one: Stranger, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Ask every request; the first is asked until it is answered at all."""
    limit = time.monotonic() + START_SECONDS
    wrong = []
    for request in (Request(**each) for each in one.smoke.get("requests", [])):
        answer = send(request, (HOST, port), START_SECONDS)
        while not answer.status and time.monotonic() < limit and process.poll() is None:
            time.sleep(POLL_SECONDS)
            answer = send(request, (HOST, port), START_SECONDS)
        problem = mismatch(request, answer)
        if problem:
            wrong.append(f"{request.method} {request.path}: {problem}\n{answer.body[:3000]}")
    if wrong:
        raise NativeError("\n".join([*wrong, log.read_text(errors="replace")[-3000:]]))
