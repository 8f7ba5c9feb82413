"""Another PyInstaller that is let do something, so that what this one does next does not depend on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SPEC = Path(__file__).with_name("pyinstaller.spec")


def ask_another(module: str, question: Path, answer: Path, *, folder: Path, work: Path) -> None:
    """Let a module of this package answer a question within PyInstaller, with the variables of this one.

    Args:
        module: Its name.
        question: File with the question.
        answer: File for the answer.
        folder: Where results would go.
        work: Where PyInstaller puts files of its own, into a folder `pyinstaller`.

    Raises:
        SystemExit: it failed.
    """
    paths = ("--distpath", folder, "--workpath", work)
    command = (sys.executable, "-m", "PyInstaller", SPEC, "--noconfirm", *paths, "--", module, question, answer)
    code = subprocess.run(list(map(str, command)), check=False).returncode
    if code:
        raise SystemExit(code)
