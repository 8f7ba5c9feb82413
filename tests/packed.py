"""A tiny program, packed behind the launcher: it executes what its first argument says."""

from __future__ import annotations

import importlib.util
import json
import marshal
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pystatic_tasks.in_env.elf.shared_libraries import linkage, unwinder
from pystatic_tasks.in_env.freeze import tree
from pystatic_tasks.in_env.pack import launcher as pack_launcher
from pystatic_tasks.in_env.probe import find_libpython
from pystatic_tasks.in_env.protocol import LauncherQuestion

NAME = "shop"
LAUNCHER = Path(pack_launcher.__file__).parents[2] / "in_image" / "launcher"
VERSION = tree.VERSION
ENTRY = """
import sys


def double(number):
    return 2 * number


if __name__ == "__main__":
    exec(sys.argv[1])
"""
MODULES = """
import encodings.ascii, fcntl, getpass, json, marshal, multiprocessing.forkserver, multiprocessing.pool
import multiprocessing.popen_fork, multiprocessing.popen_forkserver, multiprocessing.popen_spawn_posix
import multiprocessing.queues, multiprocessing.resource_tracker, multiprocessing.spawn, multiprocessing.synchronize
import pkgutil, runpy, signal, socket, subprocess, time, tokenize, traceback, unicodedata
print(json.dumps([[name, module.__file__] for name, module in sys.modules.items() if getattr(module, "__file__", "")]))
"""
Entry = tuple[str, str, str]


def modules_of(statements: str, folder: Path) -> Iterator[Entry]:
    """The standard library's modules that are loaded by some statements, as PyInstaller lists them."""
    command = [sys.executable, "-ISc", f"import sys\n{statements}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    for name, file in json.loads(found):
        if not file.endswith(".py"):
            yield f"{VERSION}/lib-dynload/{Path(file).name}", file, "EXTENSION"
            continue
        path = name.replace(".", "/") + ("/__init__" if file.endswith("__init__.py") else "")
        code = compile(Path(file).read_bytes(), f"{path}.py", "exec", dont_inherit=True)
        compiled = folder / f"{name}.pyc"
        compiled.write_bytes(importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + marshal.dumps(code))
        yield f"{path}.pyc", str(compiled), "DATA"


def lay_out(work: Path) -> Path:
    """The root folder of the program's tree."""
    root, entry, modules = work / "tree", work / f"{NAME}-entry.py", work / "modules"
    modules.mkdir()
    entry.write_text(ENTRY, encoding="utf-8")
    libpython = Path(find_libpython())
    is_needed = libpython.name in linkage(Path(sys.executable).resolve()).needed
    contents = [*modules_of(MODULES, modules)]
    contents += [(libpython.name, str(libpython), "BINARY")] if is_needed else []
    contents += unwinder({})
    made = tree.lay_out(root, NAME, contents, entry, (), title="shop.py", optimize=0, documented=True, strip=True)
    assert not made.missing
    return root


def pack(
    root: Path, output: Path, kept: Path, *, options: tuple[str, ...] = ("-ISu",), launcher: Path = LAUNCHER
) -> None:
    """Pack a tree."""
    pack_launcher.build(
        LauncherQuestion(
            name=NAME,
            program=str(root),
            output=str(output),
            machine=platform.machine(),
            launcher=str(launcher),
            options=options,
            optimize=0,
            has_health_check=True,
            own_files=(),
            kept=str(kept),
        )
    )
    output.chmod(0o755)
