"""Runs PyInstaller's analysis of a program, and nothing else.

Runs inside PyInstaller, since `Analysis` reads its configuration.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from functools import partialmethod
from pathlib import Path, PurePath
from types import CodeType
from typing import Any

from PyInstaller.building import build_main
from PyInstaller.depend import bindepend
from PyInstaller.depend.analysis import PyiModuleGraph
from PyInstaller.depend.imphook import ModuleHook
from PyInstaller.lib.modulegraph.modulegraph import ModuleGraph, Script
from PyInstaller.utils.hooks import setuptools

from ..exchange import respond
from ..installed.package_data import tells_of_the_machine
from ..protocol import Analysed, AnalysisInputs, Lookup, TocEntry
from .bytecode import leave_to_us
from .imports import changed_names
from .lookups import place_of
from .tree import needs_libpython

BYTECODE = "__pycache__"
find_module_path = ModuleGraph._find_module_path
scan_bytecode = ModuleGraph._scan_bytecode
load_hook_module = ModuleHook._load_hook_module
get_code_using = PyiModuleGraph.get_code_using


def analyse(inputs: AnalysisInputs) -> Analysed:
    interpreter = Path(sys.executable).resolve()
    brings_itself = inputs.form == "tree" and not needs_libpython(interpreter)
    if brings_itself:
        # PyInstaller requires the path of a shared libpython, but no file of the tree links to one.
        bindepend.get_python_library_path = lambda: str(interpreter)
    if "setuptools" in inputs.excludes:
        # PyInstaller would import it to list its packages, which takes half a second.
        setuptools._retrieve_setuptools_info = lambda: None
    build_main.compile_pymodule = leave_to_us
    lookups: dict[tuple[str, ...], dict[str, str]] = {}
    ModuleGraph._find_module_path = partialmethod(note_lookup, lookups)
    ModuleGraph._scan_bytecode = note_bytecode
    searched, hooked = set[str](), set[str]()
    PyiModuleGraph.get_code_using = partialmethod(note_search, searched)
    ModuleHook._load_hook_module = partialmethod(note_hook, hooked)
    # The collector would scan millions of syntax nodes again and again, and free hardly anything.
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
        searched=tuple(sorted(searched)),
        hooked=tuple(sorted(hooked)),
        lookups=tuple(Lookup(folders=folders, places=places) for folders, places in lookups.items()),
    )


def note_lookup(
    graph: Any, lookups: dict[tuple[str, ...], dict[str, str]], module: str, name: str, folders: Iterable[str]
) -> Any:
    """modulegraph's `_find_module_path`, but it is noted where the module is found."""
    searched = tuple(dict.fromkeys(map(str, folders)))
    lookups.setdefault(searched, {})[module] = place_of(module, searched)
    return find_module_path(graph, module, name, folders)


def note_search(graph: Any, searched: set[str], module: str) -> dict[str, CodeType]:
    """PyInstaller's `get_code_using`, but its argument is noted: code that imports this module is searched for more."""
    searched.add(module)
    found: dict[str, CodeType] = get_code_using(graph, module)
    return found


def note_hook(hook: Any, hooked: set[str], *arguments: Any, **named: Any) -> None:
    """PyInstaller's `_load_hook_module`, but the module is noted: its hook may read anything of it."""
    hooked.add(hook.module_name)
    load_hook_module(hook, *arguments, **named)


def note_bytecode(graph: Any, module: Any, code: CodeType, is_scanning_imports: bool) -> None:
    """Like modulegraph's `_scan_bytecode`, but without disassembling if imports are read from the source."""
    if is_scanning_imports:
        scan_bytecode(graph, module, code, is_scanning_imports=True)
        return
    for name, is_set in changed_names(code):
        if is_set:
            module.add_global_attr(name)
        else:
            module.remove_global_attr_if_found(name)


def importers(graph: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """For each module in PyInstaller's graph, the modules that import it, without its own submodules."""
    for node in graph.nodes():
        # Modules that were not found have no file.
        if isinstance(node, Script) or not node.filename:
            continue
        sources = {each for each in graph.incoming(node) if each not in (None, node)}
        # The identifier of a script is its path.
        names = {"" if isinstance(each, Script) else each.identifier for each in sources}
        found = {name for name in names if not name.startswith(f"{node.identifier}.")}
        if found:
            yield node.identifier, tuple(sorted(found))


def wanted(datas: Iterable[TocEntry]) -> list[TocEntry]:
    """The data files without installers' files, which describe this machine, and without `__pycache__`."""
    return [each for each in datas if not tells_of_the_machine(each[0]) and BYTECODE not in PurePath(each[0]).parts]


def main(question: Path, answer: Path) -> None:
    respond(AnalysisInputs, analyse, question, answer)
