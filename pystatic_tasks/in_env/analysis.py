"""PyInstaller's analysis of what a program consists of, and no more.

Runs within PyInstaller, since `Analysis` reads what that was called with.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePath

from PyInstaller.building.build_main import Analysis

from .exchange import respond
from .package_data import tells_of_the_machine
from .protocol import Analysed, AnalysisInputs, TocEntry

BYTECODE = "__pycache__"


def analyse(inputs: AnalysisInputs) -> Analysed:
    analysis = Analysis(
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
        binaries=tuple(analysis.binaries),
        datas=tuple(wanted(analysis.datas)),
    )


def wanted(datas: Iterable[TocEntry]) -> list[TocEntry]:
    """Those that tell nothing of this machine, and are no bytecode that lies beside its source."""
    return [each for each in datas if not tells_of_the_machine(each[0]) and BYTECODE not in PurePath(each[0]).parts]


def main(question: Path, answer: Path) -> None:
    respond(AnalysisInputs, analyse, question, answer)
