"""Several processes that serve at one listener.

uvicorn's own supervisor starts its workers by spawning, for which a program would have to be started and unpacked
again and the application be imported in each. These are forked: what was imported before lies in memory once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

from ...leaving import leave

logger = logging.getLogger("uvicorn.error")

STARTUP_FAILURE = 3
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
SIGNALS = (*ENDING_SIGNALS, signal.SIGHUP)
# A worker that ends at once, again and again, must not take the whole machine.
SECONDS_FROM_START_TO_START = 0.5
# A worker that hangs while it starts must not keep its elders for ever.
LONGEST_START_SECONDS = 30.0


class Workers:
    """Keeps `count` workers that run `serve`, and replaces each that ends by itself.

    TERM and INT end them all in order. HUP replaces them one after the other: each is told to end once the successor
    of the one before is ready.
    """

    def __init__(self, count: int, serve: Callable[[Callable[[], None]], int]) -> None:
        """
        Args:
            count: How many.
            serve: Serves in a worker, until TERM, and calls what it is given once it is ready; its exit code.
        """
        self._count = count
        self._serve = serve
        self._started: dict[int, float] = {}
        """When each worker started, the eldest first."""
        self._outdated: list[int] = []
        """Workers to replace, the first of which is told to end."""
        self._stopping = False
        self._code = 0

    def run(self) -> int:
        """Until the last has ended; the exit code: 0, or that of the first that failed in ending or in starting."""
        logger.info("Started parent process [%d]", os.getpid())
        # Where it is inherited as ignored, nobody is told how a child ended.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in ENDING_SIGNALS:
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._replace)
        for _ in range(self._count):
            self._start()
        # Any child: what loses its parent in a container becomes a child of process 1, and nobody else waits for it.
        with contextlib.suppress(ChildProcessError):
            while self._started:
                pid, status = os.wait()
                if pid in self._started:
                    self._ended(pid, os.waitstatus_to_exitcode(status))
        logger.info("Stopping parent process [%d]", os.getpid())
        return self._code

    def _start(self, wait: bool = False) -> None:
        """Fork one worker, unless all are to end; it never comes back.

        Args:
            wait: Whether to come back only once it is ready, or has ended.
        """
        reader, writer = os.pipe()
        with held_back():
            pid = -1 if self._stopping else os.fork()
            if pid > 0:
                self._started[pid] = time.monotonic()
            elif pid == 0:
                # The handlers of the parent are no use here; uvicorn sets up its own.
                end_by_signals()
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if pid == 0:
            os.close(reader)
            code = self._serve(lambda: os.close(writer))
            # What ends anyway need not be told: it would interrupt what Python does at the end.
            for number in ENDING_SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            leave(code)
        os.close(writer)
        if wait:
            select.select([reader], [], [], LONGEST_START_SECONDS)
        os.close(reader)

    def _ended(self, pid: int, code: int) -> None:
        started = self._started.pop(pid)
        if self._stopping:
            self._code = self._code or max(code, 0)
        elif code == STARTUP_FAILURE:
            logger.error("Child process [%d] failed to start, stopping the parent process.", pid)
            self._code = code
            self._stopping = True
            self._terminate()
        else:
            logger.log(logging.ERROR if code else logging.INFO, "Child process [%d] ended with code %d", pid, code)
            time.sleep(max(0.0, started + SECONDS_FROM_START_TO_START - time.monotonic()))
            self._succeed(pid)

    def _succeed(self, pid: int) -> None:
        """Start a successor; where the elder was outdated, it is the next one's turn to end."""
        self._start(wait=pid in self._outdated)
        if pid in self._outdated:
            self._outdated.remove(pid)
            self._end_outdated()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        self._terminate()

    def _replace(self, number: int, frame: FrameType | None) -> None:
        # The first keeps its place: it is being replaced.
        self._outdated = [*dict.fromkeys([*self._outdated[:1], *self._started])]
        self._end_outdated()

    def _end_outdated(self) -> None:
        for pid in self._outdated[:1]:
            if pid in self._started:
                terminate(pid)

    def _terminate(self) -> None:
        for pid in self._started:
            terminate(pid)


def terminate(pid: int) -> None:
    # It may have ended, and the signal have come before that was noted.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let signals that are handled here come only afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_by_signals() -> None:
    """Let TERM and INT end this process in order, as long as there are no better handlers."""
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda number, frame: sys.exit(0))
