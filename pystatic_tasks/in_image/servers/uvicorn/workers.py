"""Several processes that serve at one listener.

uvicorn's own supervisor starts its workers by spawning, for which a program would have to be started and unpacked
again and the application be imported in each. These are forked: what was imported before lies in memory once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

logger = logging.getLogger("uvicorn.error")

STARTUP_FAILURE = 3
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
SIGNALS = (*ENDING_SIGNALS, signal.SIGHUP)
# A worker that ends at once, again and again, must not take the whole machine.
SECONDS_BEFORE_REPLACING = 0.5


class Workers:
    """Keeps `count` workers that run `serve`, and replaces each that ends by itself.

    TERM and INT end them all in order, HUP replaces them all by and by.
    """

    def __init__(self, count: int, serve: Callable[[], int]) -> None:
        self._count = count
        self._serve = serve
        self._running: set[int] = set()
        self._stopping = False
        self._code = 0

    def run(self) -> int:
        """Until the last has ended; the exit code: 0, or that of the first that failed in ending or in starting."""
        logger.info("Started parent process [%d]", os.getpid())
        for number in ENDING_SIGNALS:
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._replace)
        for _ in range(self._count):
            self._start()
        while self._running:
            pid, status = os.wait()
            if pid in self._running:
                self._running.remove(pid)
                self._ended(pid, os.waitstatus_to_exitcode(status))
        logger.info("Stopping parent process [%d]", os.getpid())
        return self._code

    def _start(self) -> None:
        """Fork one worker, unless all are to end; it leaves by SystemExit."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        pid = -1 if self._stopping else os.fork()
        if pid > 0:
            self._running.add(pid)
        elif pid == 0:
            # The handlers of the parent are no use here; uvicorn sets up its own.
            end_by_signals()
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if pid == 0:
            sys.exit(self._serve())

    def _ended(self, pid: int, code: int) -> None:
        if self._stopping:
            self._code = self._code or max(code, 0)
        elif code == STARTUP_FAILURE:
            logger.error("Child process [%d] failed to start, stopping the parent process.", pid)
            self._code = code
            self._stopping = True
            self._terminate()
        else:
            logger.log(logging.ERROR if code else logging.INFO, "Child process [%d] ended with code %d", pid, code)
            time.sleep(SECONDS_BEFORE_REPLACING)
            self._start()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        self._terminate()

    def _replace(self, number: int, frame: FrameType | None) -> None:
        self._terminate()

    def _terminate(self) -> None:
        for pid in self._running:
            # It may have ended, and the signal have come before that was noted.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


def end_by_signals() -> None:
    """Let TERM and INT end this process in order, as long as there are no better handlers."""
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda number, frame: sys.exit(0))
