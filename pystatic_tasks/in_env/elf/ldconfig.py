"""Lists the shared libraries in the cache of this machine's dynamic loader."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

LISTED_LIBRARY = re.compile(r"^\s+(\S+) \(([^)]*)\) => (.+)$", re.MULTILINE)
FOLDERS = "/sbin:/usr/sbin"


def listed_libraries() -> dict[str, list[Path]]:
    """The paths of each library in the loader's cache, without variants for special processors."""
    command = shutil.which("ldconfig", path=f"{os.environ.get('PATH', '')}:{FOLDERS}")
    found: dict[str, list[Path]] = {}
    if command:
        listed = subprocess.run([command, "-p"], capture_output=True, text=True, check=False).stdout
        for name, kind, path in LISTED_LIBRARY.findall(listed):
            if "hwcap" not in kind:
                found.setdefault(name, []).append(Path(path))
    return found
