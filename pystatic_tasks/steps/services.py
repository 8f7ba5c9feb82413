"""Starts the services that the program needs before each run, and stops them after it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pystatic_tasks.config.hiding import hidden
from pystatic_tasks.config.model import ImageConfig, Service, shown
from pystatic_tasks.config.variables import caller_values, hide_in_files
from pystatic_tasks.engines.base import GRACE_SECONDS
from pystatic_tasks.engines.local import exit_code
from pystatic_tasks.errors import ServiceError
from pystatic_tasks.in_env.processes import kill_session, session
from pystatic_tasks.in_env.web.client import LOOPBACK, is_taken
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import locked
from pystatic_tasks.system.beneath import remove_tree
from pystatic_tasks.system.files import WRITE_ANEW, hashes_of_words, open_no_link, owned, remove_abandoned
from pystatic_tasks.system.processes import last_lines, with_our_life

FOLDER_PREFIX = "pystatic-service-"
# The path of a Unix socket has at most 107 bytes, and a service may become another user, who must pass through.
SHORT_FOLDER = Path("/tmp")
POLL_SECONDS = 0.05


@contextlib.contextmanager
def running(config: ImageConfig, context: StepContext) -> Iterator[None]:
    """Start all services of an image in order, each after the one before is ready, and stop them in reverse order.

    Raises:
        ServiceError: one of them cannot be started.
    """
    if not config.services:
        yield
        return
    remove_abandoned(FOLDER_PREFIX, SHORT_FOLDER, remove_tree)
    with contextlib.ExitStack() as stack:
        # Other images of the project use the same ports.
        waiting = f"the services of {config.root.name} are running for another build; waiting for it"
        stack.enter_context(locked(config.work.parent / ".services.lock", lambda: context.say(waiting)))
        for service in config.services:
            with context.terminal.activity(f"starting {service.name}"):
                stack.enter_context(started(config, service))
        yield


@contextlib.contextmanager
def started(config: ImageConfig, service: Service) -> Iterator[None]:
    """One service, once it is ready."""
    check_startable(config, service)
    folder = tempfile.mkdtemp(prefix=owned(FOLDER_PREFIX), dir=SHORT_FOLDER)
    try:
        process = start(config, service, folder)
        try:
            wait_until_ready(config, service, process)
            yield
        finally:
            stop(process)
            hide_in_files(config, [log_file(config, service)])
    finally:
        remove_tree(Path(folder))


def check_startable(config: ImageConfig, service: Service) -> None:
    """Raises ServiceError if its program does not exist, or its port is in use."""
    if not is_program(config.root, service.command[0]):
        raise not_there(
            service,
            f'cannot be started: the program "{service.command[0]}" was not found',
            "Install it, or correct the command of the service.",
        )
    if is_taken(service.port):
        raise not_there(
            service,
            f"cannot be started: another program already listens at {address(service)}",
            "Stop that program, or choose another port for the service and for whatever tells the program about it.",
        )


def is_program(root: Path, name: str) -> bool:
    """Whether this is a command in the folder `root`."""
    return shutil.which(str(root / name) if "/" in name else name) is not None


def start(config: ImageConfig, service: Service, folder: str) -> subprocess.Popen[bytes]:
    log = log_file(config, service)
    log.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(open_no_link(log, WRITE_ANEW), "wb") as output:
        try:
            return subprocess.Popen(
                with_our_life(service.command),
                cwd=config.root,
                env={**os.environ, "PYSTATIC_SERVICE_FOLDER": folder, "PYSTATIC_SERVICE_PORT": str(service.port)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            reason = f"cannot be started: {service.command[0]}: {error.strerror}"
            raise not_there(service, reason, "Correct the command of the service.") from None


def wait_until_ready(config: ImageConfig, service: Service, process: subprocess.Popen[bytes]) -> None:
    """Raises ServiceError if it ends before it is ready, or takes too long."""
    end = time.monotonic() + service.timeout
    while True:
        listens = is_taken(service.port)
        # If it has ended, another program listens.
        if process.poll() is not None:
            raise with_log(
                config,
                service,
                f"ended with exit code {exit_code(process.returncode)} before it listened at {address(service)}",
                "Correct its command, which must serve in the foreground until TERM ends it.",
            )
        if listens:
            return
        if time.monotonic() > end:
            raise with_log(
                config,
                service,
                f"did not listen at {address(service)} within {service.timeout:g} seconds",
                "Correct its port, or raise its timeout.",
            )
        time.sleep(POLL_SECONDS)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM to the service and all of its processes, and later SIGKILL to those that remain."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    end = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < end and (process.poll() is None or any(session(process.pid))):
        time.sleep(POLL_SECONDS)
    kill_session(process)


def address(service: Service) -> str:
    return f"{LOOPBACK}:{service.port}"


def log_file(config: ImageConfig, service: Service) -> Path:
    """The file for its output, which is kept until its next start."""
    return config.work / f"service-{service.name}.log"


def not_there(service: Service, reason: str, remedy: str) -> ServiceError:
    problem = f"{service.name} {reason}"
    return ServiceError(f"The service {problem}.", remedy, line=f"the service {problem}")


def with_log(config: ImageConfig, service: Service, reason: str, remedy: str) -> ServiceError:
    """The error with the last line that the service printed."""
    log = log_file(config, service)
    last = [hidden(line.strip(), caller_values(config)) for line in last_lines(log, 1)]
    if not last:
        return not_there(service, f"{reason}, and printed nothing", remedy)
    problem, kept = f"{service.name} {reason}", shown(config, log)
    return ServiceError(
        f"The service {problem}; its log, in full in {kept}, ends with:",
        remedy,
        [f"| {last[0]}"],
        line=f"the service {problem}: {last[0]} ({kept})",
    )


def listed(services: Sequence[Service]) -> str:
    """The services with their addresses, as part of a line."""
    return ", ".join(f"{service.name} at {address(service)}" for service in services)


def inputs(config: ImageConfig) -> list[Mapping[str, object]]:
    """What decides the services, as JSON: their declarations, and the files that their commands name."""
    return [{**vars(service), "files": hashes_of_words(config.root, service.command)} for service in config.services]
