"""PyInstaller's analysis of what a program consists of, and no more.

Runs within PyInstaller, since `Analysis` reads what that was called with.
"""

from __future__ import annotations

import dis
import gc
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from types import CodeType
from typing import Any

from PyInstaller.building import build_main
from PyInstaller.depend import bindepend
from PyInstaller.lib.modulegraph import util
from PyInstaller.lib.modulegraph.modulegraph import Script

from .bytecode import leave_to_us
from .exchange import respond
from .package_data import tells_of_the_machine
from .protocol import Analysed, AnalysisInputs, TocEntry
from .tree import needs_libpython

BYTECODE = "__pycache__"
# Of all instructions PyInstaller notes what these import, and which names of a module they set and delete.
NOTED = frozenset(
    map(dis.opmap.__getitem__, ("IMPORT_NAME", "STORE_NAME", "STORE_GLOBAL", "DELETE_NAME", "DELETE_GLOBAL"))
)


def analyse(inputs: AnalysisInputs) -> Analysed:
    interpreter = Path(sys.executable).resolve()
    brings_itself = inputs.form == "tree" and not needs_libpython(interpreter)
    if brings_itself:
        # It looks for a shared libpython, which no file of the tree asks for, and insists on some path.
        bindepend.get_python_library_path = lambda: str(interpreter)
    build_main.compile_pymodule = leave_to_us
    util.iterate_instructions = noted_instructions
    # It would look through millions of nodes of syntax again and again, and free hardly anything.
    gc.disable()
    analysis = build_main.Analysis(
        [inputs.entry],
        pathex=list(inputs.import_paths),
        binaries=list(inputs.binaries),
        datas=list(inputs.datas),
        hiddenimports=list(inputs.hidden_imports),
        hookspath=list(inputs.hooks),
        excludes=list(inputs.excludes),
        optimize=inputs.optimize,
        noarchive=inputs.form == "tree",
    )
    return Analysed(
        scripts=tuple(analysis.scripts),
        pure=tuple(analysis.pure),
        loose=tuple(analysis._modules_outside_pyz),
        binaries=tuple(entry for entry in analysis.binaries if not (brings_itself and entry[1] == str(interpreter))),
        datas=tuple(wanted(analysis.datas)),
        imported_by=dict(sorted(importers(analysis.graph))),
    )


def noted_instructions(code: CodeType) -> Iterator[dis.Instruction]:
    """As modulegraph's `iterate_instructions`, but for functions, most of them, in which it would note nothing."""
    if not NOTED.isdisjoint(code.co_code[::2]):
        yield from (each for each in dis.get_instructions(code) if each.opname != "EXTENDED_ARG")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from noted_instructions(constant)


def importers(graph: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """For each module of PyInstaller's graph the modules that import it, but for what lies in the module itself."""
    for node in graph.nodes():
        # Only what was found has a file.
        if isinstance(node, Script) or not node.filename:
            continue
        sources = {each for each in graph.incoming(node) if each not in (None, node)}
        # The identifier of a script is its path.
        names = {"" if isinstance(each, Script) else each.identifier for each in sources}
        found = {name for name in names if not name.startswith(f"{node.identifier}.")}
        if found:
            yield node.identifier, tuple(sorted(found))


def wanted(datas: Iterable[TocEntry]) -> list[TocEntry]:
    """Those that tell nothing of this machine, and are no bytecode that lies beside its source."""
    return [each for each in datas if not tells_of_the_machine(each[0]) and BYTECODE not in PurePath(each[0]).parts]


def main(question: Path, answer: Path) -> None:
    respond(AnalysisInputs, analyse, question, answer)
