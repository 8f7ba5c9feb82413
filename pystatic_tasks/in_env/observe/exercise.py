"""Runs the target once with plain Python, sends it the image's requests, and reports what it needed."""

from __future__ import annotations

import contextlib
import os
import platform
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from ..exchange import respond
from ..installed.elsewhere import moment
from ..processes import kill_session, session
from ..protocol import Exercise, HttpRequest, Observed, ObservedAnswer
from ..web.client import LOOPBACK, Answer, is_taken, send
from ..web.page import loaded_with, part_of
from ..web.words import in_both
from .evidence import (
    Occasion,
    look_around,
    names_without,
    take,
    uses_by_occasion,
    without_tests,
)
from .recorded import read_records, records_between
from .recorder.sitecustomize import FIELD_END, RECORD_END, mapped

POLL_SECONDS = 0.02
# As promised for images: what has not ended by then is killed.
GRACE_SECONDS = 10.0
# How long to run a program that does not print when it is ready.
SETTLE_SECONDS = 1.0
# The last lines of gunicorn and uvicorn, after the exception that ended them.
LAST_OF_SERVERS = ("Worker failed to boot.", "Application startup failed. Exiting.")
EXCEPTION = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)+(?P<line>\S.*)")


class NotObservedError(Exception):
    """The program cannot be run, or does not do what is declared; the text says why, without a full stop."""


@dataclass
class Heard:
    """What the exercise has collected so far.

    Attributes:
        answers: See `Observed`.
        again: Begin and end, in bytes, of the part of the log from repeated requests.
        occasions: What was done with the program so far.
    """

    answers: list[ObservedAnswer] = field(default_factory=list)
    again: tuple[int, int] = (0, 0)
    occasions: list[Occasion] = field(default_factory=list)


def observe(exercise: Exercise) -> Observed:
    records = Path(exercise.records)
    shutil.rmtree(records, ignore_errors=True)
    records.mkdir(parents=True)
    # A program may switch to another user.
    records.chmod(0o777)
    began = moment()
    heard = Heard()
    problem = ""
    try:
        with collected_in_place(exercise.collected):
            run(exercise, heard)
    except NotObservedError as error:
        problem = explained(str(error), Path(exercise.log))
    around = look_around(exercise)
    uses = tuple(uses_by_occasion(records, [*heard.occasions, ("end", sizes(exercise.records))], around))
    needed = without_tests(around, exercise, uses)
    observed = take(read_records(records), exercise, needed, tuple(heard.answers), problem, began)
    of_tests = tuple(sorted(names_without(around, needed)))
    return replace(observed, uses=uses, of_tests=of_tests, log=log_without(exercise, *heard.again))


@contextlib.contextmanager
def collected_in_place(collected: Sequence[str], packages: Path | None = None) -> Iterator[None]:
    """Link the collected static files to where the program looks for them, unless something is there.

    Args:
        collected: See `Exercise`.
        packages: The folder of packages; this Python's unless given.
    """
    if not collected:
        yield
        return
    folder, place = collected
    link = (packages or Path(sysconfig.get_path("purelib"))) / place
    # Left by a build that was killed.
    if link.is_symlink():
        link.unlink()
    is_ours = not link.exists()
    if is_ours:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)
    try:
        yield
    finally:
        if is_ours:
            link.unlink()


def run(exercise: Exercise, heard: Heard) -> None:
    """Do the whole exercise, and add what comes of it to `heard`.

    Raises:
        NotObservedError: part of it could not be done.
    """
    if exercise.port and is_taken(exercise.port):
        raise NotObservedError(f"port {exercise.port} is in use here")
    with Path(exercise.log).open("wb") as log, started(exercise, exercise.arguments, exercise.folder, log) as program:
        if exercise.port:
            serve(exercise, program, heard)
        elif exercise.long_running:
            wait_for_text(exercise, program)
        else:
            wait_for_end(exercise, program)
        if not exercise.port:
            heard.occasions.append(("start", sizes(exercise.records)))
        if exercise.further:
            with started(exercise, exercise.further, exercise.further_folder, log) as further:
                code = ended(further, exercise.timeout)
            heard.occasions.append((" ".join(exercise.further), sizes(exercise.records)))
            if code != 0:
                raise NotObservedError(f"{exercise.further[0]} {how_it_ended(code, exercise.timeout)}")


@contextlib.contextmanager
def started(
    exercise: Exercise, arguments: Sequence[str], folder: str, log: object
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process; at the end, stop it and everything that it started."""
    is_python = arguments is exercise.arguments
    if not is_python and shutil.which(arguments[0], path=exercise.environment.get("PATH")) is None:
        raise NotObservedError(f'the program "{arguments[0]}" was not found')
    try:
        process = subprocess.Popen(
            [*with_our_life(), *([sys.executable] if is_python else []), *arguments],
            cwd=folder,
            env=dict(exercise.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,  # type: ignore[call-overload]
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise NotObservedError(f"{arguments[0]} cannot be started: {error.strerror}") from None
    try:
        yield process
    finally:
        stop(process, exercise.records)


def with_our_life() -> list[str]:
    """A command prefix that has the process killed when this one ends; empty if util-linux is missing."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def stop(process: subprocess.Popen[bytes], records: str) -> None:
    """Record what all processes have mapped, then end them."""
    for pid in session(process.pid):
        note_mapped(pid, records)
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    kill_session(process)


def note_mapped(pid: int, records: str) -> None:
    """Record what a process has mapped, as the recorder does in a process that ends by itself."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        with Path(records, str(pid)).open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(f"{kind}{FIELD_END}{path}{RECORD_END}" for kind, path in mapped(lines))


def serve(exercise: Exercise, program: subprocess.Popen[bytes], heard: Heard) -> None:
    """Send all requests, then repeat them to see which words of the answers stay the same."""
    first = exercise.requests[0] if exercise.requests else HttpRequest(path="/", method="GET", headers={}, body=None)
    start = sizes(exercise.records)
    wait_for_answer(exercise, program, first)
    heard.occasions.append(("start", sizes(exercise.records)))
    answers = []
    for request in exercise.requests:
        answers.append(ask(exercise, request))
        end = sizes(exercise.records)
        heard.occasions.append((f"{request.method} {request.path}", end))
        heard.answers.append(observed_answer(request, answers[-1], files_between(exercise.records, start, end)))
        if not answers[-1].status:
            raise NotObservedError(f"{request.method} {request.path} had no answer")
        start = end
    load_pages(exercise, answers, heard)
    begin = Path(exercise.log).stat().st_size
    apart = words_of_machine(exercise)
    for number, request in enumerate(exercise.requests):
        if not answers[number].endless:
            words = in_both(answers[number], ask(exercise, request), apart)
            heard.answers[number] = replace(heard.answers[number], words=words)
    heard.occasions.append(("once more", sizes(exercise.records)))
    heard.again = (begin, Path(exercise.log).stat().st_size)


def load_pages(exercise: Exercise, answers: Sequence[Answer], heard: Heard) -> None:
    """Request what a browser loads by itself with the answers that are pages, for `exercise.timeout` seconds in all."""
    end = time.monotonic() + exercise.timeout
    known: dict[str, int] = {}
    for number, request in enumerate(exercise.requests):
        paths = loaded_with(request, answers[number])
        for path in paths:
            if path not in known and time.monotonic() < end:
                known[path] = ask(exercise, part_of(request, path)).status
        if paths:
            heard.occasions.append((f"parts of {request.method} {request.path}", sizes(exercise.records)))
            parts = tuple((path, known[path]) for path in paths if path in known)
            heard.answers[number] = replace(heard.answers[number], parts=parts)


def observed_answer(request: HttpRequest, answer: Answer, files: Iterable[str]) -> ObservedAnswer:
    shown = f"{request.method} {request.path}"
    return ObservedAnswer(request=shown, status=answer.status, type=answer.type, files=tuple(sorted(files)))


def sizes(records: str) -> dict[str, int]:
    """How much each process has recorded, in bytes."""
    return {path.name: path.stat().st_size for path in Path(records).iterdir()}


def files_between(records: str, begin: Mapping[str, int], end: Mapping[str, int]) -> set[str]:
    """Paths of files that were read between two moments."""
    return {fields[1] for fields in records_between(Path(records), begin, end) if fields[0] == "file"}


def words_of_machine(exercise: Exercise) -> list[str]:
    """Texts in answers that may come from the place where the program runs."""
    variables = [value for name, value in exercise.environment.items() if name != "PATH"]
    user = next((each.pw_name for each in pwd.getpwall() if each.pw_uid == os.geteuid()), "")
    return [socket.getfqdn(), *os.uname(), platform.platform(), sys.executable, user, *variables, exercise.folder]


def wait_for_answer(exercise: Exercise, program: subprocess.Popen[bytes], request: HttpRequest) -> None:
    readiness = HttpRequest(path=request.path, method="GET", headers={}, body=None)
    end = time.monotonic() + exercise.timeout
    while time.monotonic() < end:
        if ask(exercise, readiness).status:
            return
        if program.poll() is not None:
            raise NotObservedError(f"it {how_it_ended(program.returncode, exercise.timeout)}")
        time.sleep(POLL_SECONDS)
    raise NotObservedError(f"it did not answer within {exercise.timeout:g} seconds")


def ask(exercise: Exercise, request: HttpRequest) -> Answer:
    return send(request, (LOOPBACK, exercise.port), exercise.timeout)


def wait_for_text(exercise: Exercise, program: subprocess.Popen[bytes]) -> None:
    """Wait until the program has printed the declared text, or for a while if none is declared."""
    if exercise.text is None:
        ended(program, SETTLE_SECONDS)
        return
    end = time.monotonic() + exercise.timeout
    while exercise.text not in read_log(exercise):
        if program.poll() is not None:
            raise NotObservedError(f"it {how_it_ended(program.returncode, exercise.timeout)}")
        if time.monotonic() > end:
            raise NotObservedError(f'it did not print "{exercise.text}" within {exercise.timeout:g} seconds')
        time.sleep(POLL_SECONDS)


def read_log(exercise: Exercise) -> str:
    return Path(exercise.log).read_text(encoding="utf-8", errors="replace")


def log_without(exercise: Exercise, begin: int, end: int) -> str:
    """The log without one part."""
    log = Path(exercise.log)
    content = log.read_bytes() if log.exists() else b""
    return (content[:begin] + content[end:]).decode("utf-8", "replace")


def wait_for_end(exercise: Exercise, program: subprocess.Popen[bytes]) -> None:
    code = ended(program, exercise.timeout)
    if code != exercise.exit_code:
        raise NotObservedError(f"it {how_it_ended(code, exercise.timeout)}")


def ended(process: subprocess.Popen[bytes], timeout: float) -> int | None:
    """The exit code, or None if the process still runs after `timeout` seconds."""
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None


def how_it_ended(code: int | None, timeout: float) -> str:
    if code is None:
        return f"did not end within {timeout:g} seconds (smoke.timeout)"
    return f"ended with exit code {code}"


def explained(problem: str, log: Path) -> str:
    """The problem, followed by the line of the program's output that explains it best."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    raised = EXCEPTION.findall(text) if lines and lines[-1].endswith(LAST_OF_SERVERS) else []
    return ": ".join([problem, *(raised or lines)[-1:]])


def end(number: int, frame: FrameType | None) -> None:
    """Exit in order, so that all started processes are stopped."""
    sys.exit(128 + number)


def main(question: Path, answer: Path) -> None:
    signal.signal(signal.SIGTERM, end)
    respond(Exercise, observe, question, answer)
