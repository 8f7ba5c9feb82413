"""Runs a module of this package in the build environment, where pystatic_tasks is not installed.

`PYTHON -I boot.py MODULE QUESTION ANSWER`: the module reads the file QUESTION and writes the file ANSWER.
The package is loaded under a private name and nothing is added to `sys.path`, so the project may have modules
of any name. This module runs on Python 3.7 and newer, so that a Python too old to be frozen can be recognised.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

PACKAGE = "_pystatic_in_env"


def load_package() -> None:
    package = ModuleType(PACKAGE)
    package.__path__ = [str(Path(__file__).resolve().parent)]
    sys.modules[PACKAGE] = package


def run(module: str, question: str, answer: str) -> None:
    load_package()
    importlib.import_module(f"{PACKAGE}.{module}").main(Path(question), Path(answer))


if __name__ == "__main__":
    run(*sys.argv[1:])
