"""Which engine runs the image, and which ones it is loaded into."""

from __future__ import annotations

from collections.abc import Sequence

from pystatic_tasks.config.model import ENGINE_NAMES, EngineChoice
from pystatic_tasks.engines.base import Engine
from pystatic_tasks.engines.registry import all_engines, engine_called
from pystatic_tasks.errors import MissingToolError


def choose_engine(choice: EngineChoice) -> Engine:
    """The engine of that name, or for "auto" the first that works.

    Raises:
        MissingToolError: it does not work here.
    """
    if choice != "auto":
        return require(engine_called(choice))
    engines = all_engines()
    for engine in engines:
        if engine.version():
            return engine
    raise MissingToolError(
        "No engine works here that could run the image:",
        "Start or install one of them; the smallest is bubblewrap: apt-get install bubblewrap.",
        [f"{engine.name}: {engine.problem()}" for engine in engines],
    )


def require(engine: Engine) -> Engine:
    if engine.version():
        return engine
    *others, last = [f"--engine {name}" for name in ENGINE_NAMES if name != engine.name]
    raise MissingToolError(
        f"The engine {engine.name} was asked for and does not work here ({engine.problem()}).",
        f"Start or install it, or choose another: {', '.join(others)} or {last}.",
    )


def loading_engines(choice: EngineChoice) -> Sequence[Engine]:
    """The engines to load a new image into: the one of that name, or for "auto" all that are there."""
    if choice == "auto":
        return [engine for engine in all_engines() if engine.keeps_images and engine.version()]
    engine = engine_called(choice)
    return [require(engine)] if engine.keeps_images else []
