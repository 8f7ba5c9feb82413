"""Runs before the program: as the first process of a container it must ask for TERM.

The kernel drops signals that the first process does not handle. Until the server handles TERM itself,
and in programs that never do, it would be lost, and the engine would wait and then kill.
"""

import os
import signal
import sys
from types import FrameType


def end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if os.getpid() == 1:
    signal.signal(signal.SIGTERM, end)
