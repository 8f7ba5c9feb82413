"""The files that the shell's copy of an image has beside the program."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.oci.layers import Entry
from pystatic_tasks.packers import form_of
from pystatic_tasks.steps.results import Frozen

# No image has this name.
FOLDER = PurePosixPath("/.shell")
TOOLS = FOLDER / "bin"
SHELL = TOOLS / "sh"

# The interpreter with the program's modules. As in the program, `site` is not loaded, which would find them and add
# `exit`.
SCRIPT = """\
#!{shell}
export PYTHON_BASIC_REPL=1
begin='import sys; sys.path.append(f"{{sys.prefix}}/lib/python{version}/site-packages"); exit = quit = sys.exit'
case "$#:$1" in
0:) exec {interpreter} -i -S -c "$begin" ;;
*:-c)
    code=$2
    shift 2
    exec {interpreter} -S -c "$begin
$code" "$@" ;;
*)
    echo "Use python by itself, or python -c CODE." >&2
    exit 2 ;;
esac
"""


def entries(config: ImageConfig, frozen: Frozen, busybox: Path, applets: Sequence[str]) -> list[Entry]:
    """A folder with busybox, its tools, and the program's interpreter as `python`, if there is one."""
    named = [applet for applet in applets if applet not in ("busybox", "python")]
    interpreter = list(interpreter_of(config, frozen))
    return [
        *(Entry(path=str(folder), mode=0o755) for folder in (FOLDER, TOOLS)),
        Entry(path=str(TOOLS / "busybox"), mode=0o755, content=busybox),
        *(Entry(path=str(TOOLS / name), mode=0o777, link="busybox") for name in named),
        *interpreter,
    ]


def interpreter_of(config: ImageConfig, frozen: Frozen) -> Iterator[Entry]:
    """The script `python`, and what it starts."""
    if form_of(config) != "tree":
        return
    version = ".".join(frozen.interpreter.version.split(".")[:2])
    interpreter = PurePosixPath(f"/usr/local/bin/python{version}")
    if config.layout == "onefile":
        # The launcher treats this as a folder of its program; started by a link in it, it acts as an interpreter.
        interpreter = FOLDER / f"{config.name}-0-python" / "bin" / "python"
        target = os.path.relpath(f"/{config.name}", interpreter.parent)
        yield from (Entry(path=str(each), mode=0o755) for each in (interpreter.parents[1], interpreter.parent))
        yield Entry(path=str(interpreter), mode=0o777, link=target)
    script = SCRIPT.format(shell=SHELL, version=version, interpreter=interpreter)
    yield Entry(path=str(TOOLS / "python"), mode=0o755, content=script.encode())
