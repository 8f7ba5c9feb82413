"""Which engine runs the image, and which ones it is loaded into."""

from __future__ import annotations

from collections.abc import Sequence

from pystatic_tasks.config.model import EngineName
from pystatic_tasks.engines import sandbox
from pystatic_tasks.engines.base import Engine
from pystatic_tasks.engines.docker import DOCKER
from pystatic_tasks.engines.podman import PODMAN
from pystatic_tasks.errors import MissingToolError

COMMAND_LINES: tuple[Engine, ...] = (DOCKER, PODMAN)


def choose_engine(name: EngineName) -> Engine:
    """The engine of that name, or for "auto" the first that works: Docker, Podman, sandbox.

    Raises:
        MissingToolError: it does not work here.
    """
    if name == "sandbox":
        return require(sandbox.here())
    if name != "auto":
        return require(next(engine for engine in COMMAND_LINES if engine.name == name))
    engines = all_engines()
    for engine in engines:
        if engine.version():
            return engine
    raise MissingToolError(
        "No engine works here that could run the image:",
        "Start or install one of them; the smallest is bubblewrap: apt-get install bubblewrap.",
        [f"{engine.name}: {engine.complaint()}" for engine in engines],
    )


def all_engines() -> Sequence[Engine]:
    """In the order in which "auto" tries them."""
    return (*COMMAND_LINES, sandbox.here())


def require(engine: Engine) -> Engine:
    if engine.version():
        return engine
    others = [name for name in ("docker", "podman", "sandbox") if name != engine.name]
    raise MissingToolError(
        f"The engine {engine.name} was asked for and does not work here ({engine.complaint()}).",
        f"Start or install it, or choose another: --engine {others[0]} or --engine {others[1]}.",
    )


def loading_engines(name: EngineName) -> Sequence[Engine]:
    """The engines to load a new image into: the one of that name, or for "auto" all that are there."""
    if name == "sandbox":
        return []
    if name == "auto":
        return [engine for engine in COMMAND_LINES if engine.version()]
    return [choose_engine(name)]
