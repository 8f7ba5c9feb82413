"""The end of a forked worker."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from typing import NoReturn


def leave(code: object) -> NoReturn:
    """End this process as `sys.exit(code)` does, but for freeing its memory.

    Threads are waited for, what is registered with `atexit` is done, and output is written. What Python would do then
    is to take apart every object, for which the kernel would have to copy each page that this process shares with
    others, for nothing: as much memory as all workers of a service, while they end.
    `multiprocessing` ends its processes in the same way.
    """
    with contextlib.suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()
    if isinstance(code, str):
        print(code, file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
