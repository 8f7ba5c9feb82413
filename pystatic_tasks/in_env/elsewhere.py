"""What a Python reads that is not its own: by that, what it does depends on where it runs."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterable
from pathlib import Path

from .layer_assignment import source_of

# Their files are other ones each time.
KERNELS = ("/proc/", "/sys/", "/dev/")


def from_elsewhere(paths: Iterable[str]) -> set[str]:
    """Absolute paths without those of this Python and the packages beside it, and of the kernel; of bytecode its source's."""
    known = tuple(f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    found = (str(source_of(Path(path))) for path in paths)
    return {path for path in found if not f"{path}/".startswith((*known, *KERNELS))}
