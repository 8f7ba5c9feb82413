from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from pystatic_tasks.machine import WORKBENCH


@pytest.fixture(scope="session")
def load() -> Callable[[str], ModuleType]:
    """Imports one of the workbench's scripts as it is run: with the others beside it."""

    def load(name: str) -> ModuleType:
        before = [*sys.path]
        sys.path.insert(0, str(WORKBENCH))
        try:
            return importlib.import_module(name)
        finally:
            sys.path[:] = before

    return load
