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
from PyInstaller.lib.modulegraph.modulegraph import ModuleGraph, Script
from PyInstaller.utils.hooks import setuptools

from ..exchange import respond
from ..installed.package_data import tells_of_the_machine
from ..protocol import Analysed, AnalysisInputs, TocEntry
from .bytecode import leave_to_us
from .tree import needs_libpython

BYTECODE = "__pycache__"
scan_bytecode = ModuleGraph._scan_bytecode
SETTING = frozenset(map(dis.opmap.__getitem__, ("STORE_NAME", "STORE_GLOBAL")))
DELETING = frozenset(map(dis.opmap.__getitem__, ("DELETE_NAME", "DELETE_GLOBAL")))


def analyse(inputs: AnalysisInputs) -> Analysed:
    interpreter = Path(sys.executable).resolve()
    brings_itself = inputs.form == "tree" and not needs_libpython(interpreter)
    if brings_itself:
        # It looks for a shared libpython, which no file of the tree asks for, and insists on some path.
        bindepend.get_python_library_path = lambda: str(interpreter)
    if "setuptools" in inputs.excludes:
        # It would be imported to find out which packages it brings, half a second long.
        setuptools._retrieve_setuptools_info = lambda: None
    build_main.compile_pymodule = leave_to_us
    ModuleGraph._scan_bytecode = note_bytecode
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


def note_bytecode(graph: Any, module: Any, code: CodeType, is_scanning_imports: bool) -> None:
    """As modulegraph's `_scan_bytecode`, but where imports are read from the source, nothing is disassembled."""
    if is_scanning_imports:
        scan_bytecode(graph, module, code, is_scanning_imports=True)
        return
    for name, is_set in changed_names(code):
        if is_set:
            module.add_global_attr(name)
        else:
            module.remove_global_attr_if_found(name)


def changed_names(code: CodeType) -> Iterator[tuple[str, bool]]:
    """Names that code, and functions and classes in it, set or delete as a module's own, and whether they set them."""
    operations, arguments = code.co_code[::2], code.co_code[1::2]
    if not (SETTING | DELETING).isdisjoint(operations):
        index = 0
        for operation, low in zip(operations, arguments, strict=True):
            index = index << 8 | low
            if operation in SETTING or operation in DELETING:
                yield code.co_names[index], operation in SETTING
            if operation != dis.EXTENDED_ARG:
                index = 0
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from changed_names(constant)


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
