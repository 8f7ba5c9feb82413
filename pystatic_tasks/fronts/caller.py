"""Finds the folder of the file that called one of our public functions."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def from_caller(root: str | os.PathLike[str] | None) -> Path:
    """`root`, relative to the folder of the file that called our caller."""
    folder = Path(sys._getframe(2).f_code.co_filename).resolve().parent
    return folder if root is None else (folder / root).resolve()
