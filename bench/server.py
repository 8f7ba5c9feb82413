"""One server at a time on one port, and what it answers."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
START_TIMEOUT_SECONDS = 30.0
# An engine's proxy takes connections before the program does, and then leaves them hanging.
POLL_TIMEOUT_SECONDS = 0.05
STOP_TIMEOUT_SECONDS = 20.0


class BenchError(Exception):
    """Nothing was, or could be, measured; the text is one whole sentence."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked all the time.

    Attributes:
        path: Of the request.
        answer: What comes as JSON, whenever it is asked.
    """

    path: str
    answer: Mapping[str, Any]

    @property
    def sign(self) -> str:
        """What stands in the body of the right answer, as every writer of JSON here puts it."""
        return json.dumps(dict(list(self.answer.items())[:1]))[1:-1]


# A number between 6 and 6.
RANDOM_NUMBER = Question(path="/?min=6&max=6", answer={"number": 6, "min": 6, "max": 6})


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to run a service.

    Attributes:
        name: As it is shown.
        command: What starts it in the foreground, without the address.
        takes_address: Whether it is told where to listen, and does not know it already.
        stop: What stops it, where the command returns once it is started.
        is_killed: Whether all of its processes are killed, as an engine does it, and nobody waits for workers that were
            told to end while they booted.
        question: What it is asked.
    """

    name: str
    command: Sequence[str]
    takes_address: bool = True
    stop: Sequence[str] = ()
    is_killed: bool = False
    question: Question = RANDOM_NUMBER


def check_port(port: int) -> None:
    """Raises BenchError if anything listens on the port: its answers would be measured in place of ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BenchError(
                f"Port {port} of {HOST} is taken ({error.strerror}), so nothing is measured: "
                "stop what holds it, or choose another by --port."
            ) from None


@contextlib.contextmanager
def serving(variant: Variant, port: int, log: Path, *arguments: str) -> Iterator[tuple[int, float]]:
    """Run a variant until its first right answer, and stop it afterwards.

    Yields:
        The PID of the command, and the seconds from its start to the first right answer.
    """
    wait_until_free(port)
    address = ["--bind", f"{HOST}:{port}"] if variant.takes_address else []
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [*variant.command, *address, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        seconds = wait_for_answer(variant, process, port, started, log)
        yield process.pid, seconds
    finally:
        stop(variant, process)


def wait_for_answer(variant: Variant, process: subprocess.Popen[bytes], port: int, started: float, log: Path) -> float:
    # Asked any earlier, the machine looks for the container's address in vain, and again only after a second.
    if variant.stop and process.wait():
        raise BenchError(f"{variant.name} did not start:\n{log.read_text(errors='replace')[-2000:]}")
    while time.perf_counter() < started + START_TIMEOUT_SECONDS:
        with contextlib.suppress(OSError, http.client.HTTPException):
            ask(variant, port, POLL_TIMEOUT_SECONDS)
            return time.perf_counter() - started
        if process.poll() is not None and not variant.stop:
            break
        time.sleep(0.001)
    raise BenchError(f"{variant.name} gave no answer; its output ends with:\n{log.read_text(errors='replace')[-2000:]}")


def ask(variant: Variant, port: int, timeout: float = 2.0) -> None:
    """Ask it its question; OSError or HTTPException without an answer, and a BenchError if this is a wrong one."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", variant.question.path)
        response = connection.getresponse()
        check_answer(variant, response.status, response.read())
    finally:
        connection.close()


def check_answer(variant: Variant, status: int, body: bytes) -> None:
    expected = variant.question.answer
    if status != 200 or json.loads(body) != expected:
        raise BenchError(f"{variant.name} answered {status} {body!r}, and not {expected}: nothing of it is measured.")


def stop(variant: Variant, process: subprocess.Popen[bytes]) -> None:
    """End the variant with all its processes."""
    if variant.stop:
        subprocess.run(variant.stop, capture_output=True, check=False)
        return
    if variant.is_killed:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise BenchError(f"{variant.name} did not end within {STOP_TIMEOUT_SECONDS:.0f} seconds.") from None


def wait_until_free(port: int) -> None:
    """Wait until nobody listens: who was killed before may still be about to end. BenchError if that never comes."""
    until = time.perf_counter() + STOP_TIMEOUT_SECONDS
    while time.perf_counter() < until:
        with contextlib.suppress(BenchError):
            check_port(port)
            return
        time.sleep(0.01)
    check_port(port)
