"""What the launcher starts the interpreter with: `launched.pyc FIRST LOCK NAME ARGV0 …`.

FIRST to LOCK are the descriptors of the program's files in memory and, the last, of its folder, which is locked as
long as it is open.
"""

from __future__ import annotations

import atexit
import os
import sys
from _frozen_importlib_external import SourcelessFileLoader

first, lock = map(int, sys.argv[1:3])
root = os.path.dirname(sys.argv[0])
packages = f"{root}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
# Tracebacks ask the loader for the lines of a script that has no source; those of this one are not its.
__file__ = f"{packages}/{sys.argv[3]}-entry.pyc"
del sys.argv[:4]


def remove_folder(root: str = root, lock: int = lock, process: int = os.getpid()) -> None:
    """Remove the program's folder when this process ends, unless another that was started from it still needs it."""
    if os.getpid() != process:
        return
    try:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return
    for folder, folders, files in os.walk(root, topdown=False):
        for name in files:
            os.unlink(f"{folder}/{name}")
        for name in folders:
            path = f"{folder}/{name}"
            os.unlink(path) if os.path.islink(path) else os.rmdir(path)
    os.rmdir(root)


# They are for this process and those that it forks, not for other programs that it starts.
for descriptor in range(first, lock + 1):
    try:
        os.set_inheritable(descriptor, False)
    except OSError:
        continue
atexit.register(remove_folder)
if os.getpid() == 1:
    import signal

    # The kernel keeps from process 1 what it does not handle. A server has handlers of its own later.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
sys.path.append(packages)
__loader__ = SourcelessFileLoader(__name__, __file__)
code = __loader__.get_code(__name__)
assert code is not None
exec(code)
