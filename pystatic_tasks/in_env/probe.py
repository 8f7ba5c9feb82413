"""Finds out what kind of Python this is, and whether PyInstaller can freeze it.

Runs on Python 3.7 and newer, so that a Python that is too old can be named; therefore it imports nothing of this
package.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Probed:
    """Facts about a Python.

    Attributes:
        libpython: Path of its shared library, or "".
        debian: Whether it is the system's Python of Debian or a derivative.
        free_threaded: Whether it was built without the global interpreter lock.
        import_path: The folders that it imports from, other Pythons' among them.
    """

    version: str
    base_prefix: str
    libpython: str
    debian: bool
    free_threaded: bool = False
    import_path: tuple[str, ...] = ()


def libpython_name() -> str:
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        return str(sysconfig.get_config_var("INSTSONAME"))
    return f"libpython{sys.version_info[0]}.{sys.version_info[1]}.so.1.0"


def library_folders() -> list[str]:
    own = [sys.base_prefix, f"{sys.base_prefix}/lib"]
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        return own
    system = [str(sysconfig.get_config_var(name) or "") for name in ("LIBDIR", "LIBPL")]
    multiarch = str(sysconfig.get_config_var("MULTIARCH") or "")
    system += [f"/usr/lib/{multiarch}", f"/lib/{multiarch}", "/usr/lib64", "/usr/lib", "/lib64", "/lib"]
    return os.environ.get("LD_LIBRARY_PATH", "").split(":") + own + system


def find_libpython() -> str:
    name = libpython_name()
    found = (Path(folder, name) for folder in library_folders() if folder)
    return next((str(path) for path in found if path.exists()), "")


def is_debian() -> bool:
    try:
        release = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return False
    return sys.base_prefix == "/usr" and "debian" in release


def probe() -> Probed:
    return Probed(
        version=platform.python_version(),
        base_prefix=sys.base_prefix,
        libpython=find_libpython(),
        debian=is_debian(),
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        import_path=tuple(sys.path),
    )


def main(question: Path, answer: Path) -> None:
    answer.write_text(json.dumps(asdict(probe())), encoding="utf-8")
