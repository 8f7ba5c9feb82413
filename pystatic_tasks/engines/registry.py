"""Finds engines by name. The names are in config/model.py; each is a module here with a function `here()`."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from pystatic_tasks.config.model import ENGINE_NAMES, EngineName
from pystatic_tasks.engines.base import Engine


def engine_called(name: EngineName) -> Engine:
    """The engine of that name, whether it works here or not."""
    engine: Engine = importlib.import_module(f"pystatic_tasks.engines.{name}").here()
    return engine


def all_engines() -> Sequence[Engine]:
    """All engines, in the order in which "auto" tries them."""
    return [engine_called(name) for name in ENGINE_NAMES]
