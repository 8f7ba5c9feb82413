"""Runs modules in a separate PyInstaller process, so that they cannot influence this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SPEC = Path(__file__).with_name("pyinstaller.spec")
# The file with the analysis that is kept for the next build.
ANALYSIS = "analysis.json"


def ask_another(module: str, question: Path, answer: Path, *, folder: Path, work: Path) -> None:
    """Have a module of this package answer a question inside another PyInstaller, with the same environment variables.

    Args:
        module: Name of the module.
        question: File with the question.
        answer: File for the answer.
        folder: PyInstaller's folder for results.
        work: PyInstaller's folder for files of its own, which go into its subfolder `pyinstaller`.

    Raises:
        SystemExit: PyInstaller failed.
    """
    paths = ("--distpath", folder, "--workpath", work)
    command = (sys.executable, "-m", "PyInstaller", SPEC, "--noconfirm", *paths, "--", module, question, answer)
    code = subprocess.run(list(map(str, command)), check=False).returncode
    if code:
        raise SystemExit(code)
