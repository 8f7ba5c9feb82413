from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from forked import forked

from pystatic_tasks.in_env.web.client import free_port, is_taken
from pystatic_tasks.in_image.errors import SettingsError
from pystatic_tasks.in_image.servers.uvicorn.serve import make_config, refuse_what_was_left_out

APP = """
import asyncio
import os

loaded_in = os.getpid()

async def lifespan(receive, send):
    for event in ("startup", "shutdown"):
        await receive()
        await asyncio.sleep(float(os.environ.get("SECONDS_TO_" + event.upper(), 0)))
        failed = os.environ.get("FAIL") == event
        message = {"type": f"lifespan.{event}.failed" if failed else f"lifespan.{event}.complete"}
        await send({**message, "message": "no database"} if failed else message)

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    if scope["path"] == "/die":
        os._exit(9)
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    await send({"type": "http.response.start", "status": 503 if scope["path"] == "/ill" else 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{os.getpid()} {loaded_in}".encode()})

def create():
    return app
"""
PROGRAM = """
import sys

from pystatic_tasks.in_image.application import import_app
from pystatic_tasks.in_image.main import main
from pystatic_tasks.in_image.servers.uvicorn import SERVER

sys.path.insert(0, "")
sys.exit(main(SERVER, lambda: import_app({target!r}), {settings!r}, {{}}, sys.argv[1:]))
"""
FOREIGN = ("PORT", "WEB_CONCURRENCY", "FAIL")


@dataclass
class Server:
    """A running server, and where it is."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    def get(self, path: str = "/") -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
            text: str = response.read().decode()
            return text

    def answering_worker(self) -> int:
        return int(self.get().split()[0])

    def wait_until_printed(self, text: str, times: int = 1) -> None:
        end = time.monotonic() + 15
        while self.log.read_text(encoding="utf-8").count(text) < times:
            assert time.monotonic() < end, self.stop()
            assert self.process.poll() is None, self.stop()
            time.sleep(0.01)

    def workers(self) -> set[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return set(map(int, children.split()))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> str:
        """End it; what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.log.read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an application."""
    (tmp_path / "shop.py").write_text(APP, encoding="utf-8")
    return tmp_path


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN and "UVICORN" not in name}
    return {**kept, **variables}


def command(target: str, settings: Mapping[str, Any], *arguments: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM.format(target=target, settings=settings), *arguments]


@contextmanager
def serving(folder: Path, *arguments: str, target: str = "shop:app", **variables: str) -> Iterator[Server]:
    """A server of one free port, once its application is ready in each worker."""
    port = free_port()
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command(target, {"host": "127.0.0.1"}, *arguments),
            cwd=folder,
            env=environment({"PORT": str(port), **variables}),
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    server = Server(process, port, log)
    try:
        server.wait_until_printed("Application startup complete.", int(variables.get("WEB_CONCURRENCY", "1")))
        server.wait_until_printed("Uvicorn running on")
        # It is printed before the first worker listens.
        end = time.monotonic() + 10
        while "--uds" not in arguments and not is_taken(port) and time.monotonic() < end:
            time.sleep(0.01)
        yield server
    finally:
        server.stop()


Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Exit code and output of a program that ends by itself."""
    with forked("uvicorn", "pystatic_tasks.in_image.main", "pystatic_tasks.in_image.servers.uvicorn.serve") as python:

        def run(folder: Path, *arguments: str, target: str = "shop:app", **variables: str) -> tuple[int, str]:
            program = PROGRAM.format(target=target, settings={"host": "127.0.0.1"})
            (folder / "program.py").write_text(program, encoding="utf-8")
            env = environment(variables)
            result = python.run("program", *arguments, cwd=folder, env=env, together=True)
            return result.returncode, result.stdout

        yield run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_serves_until_it_is_told_to_stop(folder: Path, workers: str, number: signal.Signals) -> None:
    with serving(folder, target="shop:create()", WEB_CONCURRENCY=workers) as server:
        worker, loaded_in = map(int, server.get().split())
        assert loaded_in == server.process.pid
        assert (worker == loaded_in) is (workers == "1")
        output = server.stop(number)
    assert server.process.returncode == 0
    assert output.count("Application shutdown complete.") == int(workers)
    assert "ERROR" not in output
    assert "Traceback" not in output


def test_the_program_asks_itself_whether_it_is_well(folder: Path, run: Run) -> None:
    with serving(folder) as server:
        port = str(server.port)
        assert run(folder, "--healthcheck", PORT=port) == (0, "")
        assert run(folder, "--healthcheck", "/ill", UVICORN_PORT=port) == (1, "unhealthy: /ill answered 503\n")
    reason = f"no answer from 127.0.0.1:{port}: [Errno 111] Connection refused"
    assert run(folder, "--healthcheck", PORT=port) == (1, f"unhealthy: {reason}\n")


def test_a_unix_socket_is_served_asked_and_removed(folder: Path, run: Run) -> None:
    path = folder / "s"
    for workers in ("1", "2"):
        with serving(folder, "--uds", str(path), WEB_CONCURRENCY=workers, PORT="") as server:
            assert run(folder, "--healthcheck", UVICORN_UDS=str(path)) == (0, "")
            server.stop()
        assert server.process.returncode == 0
        assert not path.exists()


def test_what_was_begun_is_answered_before_it_ends(folder: Path) -> None:
    with serving(folder) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            time.sleep(0.3)
            server.process.terminate()
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        # Told once: a second TERM, just as it ends, would end it by the signal.
        server.process.wait(15)
        assert "ERROR" not in server.stop()
    assert server.process.returncode == 0


def test_a_worker_that_dies_is_replaced(folder: Path) -> None:
    with serving(folder, WEB_CONCURRENCY="2") as server:
        before = server.workers()
        with pytest.raises(OSError, match=r"Remote end closed connection|Connection reset"):
            server.get("/die")
        server.wait_until_printed("Application startup complete.", 3)
        after = server.workers()
        assert len(after) == 2
        [died] = before - after
        assert f"ERROR:    Child process [{died}] ended with code 9\n" in server.stop()
    assert server.process.returncode == 0


def test_hup_replaces_the_workers(folder: Path) -> None:
    with serving(folder, WEB_CONCURRENCY="2") as server:
        before = server.workers()
        server.process.send_signal(signal.SIGHUP)
        server.wait_until_printed("Application startup complete.", 4)
        assert len(server.workers()) == 2
        assert not before & server.workers()
        assert server.get()
        assert "ERROR" not in server.stop()
    assert server.process.returncode == 0


def test_requests_are_answered_while_hup_replaces_the_workers(folder: Path) -> None:
    with serving(folder, WEB_CONCURRENCY="2", SECONDS_TO_STARTUP="0.1", SECONDS_TO_SHUTDOWN="0.4") as server:
        before = server.workers()
        server.process.send_signal(signal.SIGHUP)
        server.wait_until_printed("Waiting for application shutdown.", 1)
        assert server.answering_worker() in before
        server.wait_until_printed("Waiting for application shutdown.", 2)
        assert server.answering_worker() not in before
        assert "ERROR" not in server.stop()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_lifespan_that_does_not_start_ends_the_program(folder: Path, run: Run, workers: str) -> None:
    code, output = run(folder, PORT=str(free_port()), WEB_CONCURRENCY=workers, FAIL="startup")
    assert code == 3
    assert "ERROR:    no database\n" in output
    assert "ERROR:    Application startup failed. Exiting.\n" in output


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_lifespan_that_fails_at_the_end_is_told(folder: Path, workers: str) -> None:
    with serving(folder, WEB_CONCURRENCY=workers, FAIL="shutdown") as server:
        output = server.stop()
    assert server.process.returncode == 1
    assert "ERROR:    no database\n" in output
    assert "ERROR:    Application shutdown failed. Exiting.\n" in output


def test_an_application_that_does_not_load_ends_with_its_traceback(folder: Path, run: Run) -> None:
    code, output = run(folder, target="shop:nothing", PORT=str(free_port()))
    assert code == 3
    assert output.startswith("Traceback (most recent call last):\n")
    assert output.endswith("TargetError: Failed to find attribute 'nothing' in 'shop'.\n")


def test_term_ends_it_before_the_application_is_there(folder: Path) -> None:
    (folder / "late.py").write_text("import time\n\nprint('loading', flush=True)\ntime.sleep(60)\n", encoding="utf-8")
    settings = {"host": "127.0.0.1", "port": free_port()}
    with subprocess.Popen(
        command("late:app", settings), cwd=folder, env=environment({}), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "loading\n"
            # A signal that comes just before it sleeps is only seen once it wakes.
            for _ in range(30):
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.5)
                    break
            assert process.returncode == 0
        finally:
            process.kill()


def test_a_port_in_use_is_told_at_once(folder: Path, run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = f"Port {port} of 127.0.0.1 is in use. Stop the program that holds it, or set PORT to a free one."
        assert run(folder, target="nowhere:app", PORT=str(port)) == (2, f"Error: {text}\n")


def test_a_wrong_variable_is_told_in_one_line(folder: Path, run: Run) -> None:
    text = "Error: UVICORN_PORT = 'x' is refused by uvicorn: 'x' is not a valid integer.\n"
    assert run(folder, UVICORN_PORT="x") == (2, text)


def test_a_file_that_is_not_there_is_told_without_a_traceback(folder: Path, run: Run) -> None:
    code, output = run(folder, PORT=str(free_port()), UVICORN_SSL_CERTFILE="/nowhere/cert.pem")
    assert code == 2
    assert output == "Error: uvicorn refuses its settings: [Errno 2] No such file or directory\n"


def test_the_application_is_called_as_it_is() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    config = make_config(app, {"proxy_headers": False, "log_config": None})
    assert config.loaded_app is app


@pytest.mark.parametrize("settings", [{"http": "nowherex.http:Protocol"}, {"loop": "fastx"}])
def test_an_implementation_that_was_left_out_cannot_be_chosen(settings: dict[str, str]) -> None:
    [(name, value)] = settings.items()
    with pytest.raises(SettingsError) as caught:
        refuse_what_was_left_out(settings)
    assert str(caught.value) == (
        f"{name} = '{value}' cannot be chosen here: name it in the settings that the program is built with."
    )


def test_what_is_there_can_be_chosen() -> None:
    refuse_what_was_left_out({"http": "h11", "loop": "asyncio", "lifespan": "off"})
