"""Chooses the engine that runs the image, and the engines that the image is loaded into."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from pystatic_tasks.config.model import ENGINE_NAMES, EngineChoice
from pystatic_tasks.engines.base import Engine
from pystatic_tasks.engines.registry import all_engines, engine_called
from pystatic_tasks.engines.trial import why_not
from pystatic_tasks.errors import MissingToolError
from pystatic_tasks.system.machine import is_root

TRY_NAMESPACES = ("unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt")


def choose_engine(choice: EngineChoice) -> Engine:
    """The engine of that name, or for "auto" the first that works, which means that it has run a program.

    Raises:
        MissingToolError: it does not work here.
    """
    if choice != "auto":
        engine = engine_called(choice)
        return require(engine, why_not(engine))
    reasons = []
    for engine in all_engines():
        reason = why_not(engine)
        if not reason:
            return engine
        reasons.append(f"{engine.name}: {reason}")
    raise MissingToolError("No engine that can run the image works here:", remedy(), reasons)


def remedy() -> str:
    """What to do if no engine works, with the smallest engine that would."""
    start_one = "Start or install one of them"
    if not is_root() and shutil.which("bwrap") is None and allows_namespaces():
        return f"{start_one}; the smallest is bubblewrap: apt-get install bubblewrap."
    if shutil.which("proot") is None:
        return f"{start_one}; PRoot needs neither a daemon nor privileges: apt-get install proot."
    return f"{start_one}."


def allows_namespaces() -> bool:
    """Whether an ordinary user may create namespaces here and mount in them."""
    if shutil.which(TRY_NAMESPACES[0]) is None:
        return False
    return subprocess.run(TRY_NAMESPACES, capture_output=True, check=False).returncode == 0


def require(engine: Engine, problem: str) -> Engine:
    if not problem:
        return engine
    *others, last = [f"--engine {name}" for name in ENGINE_NAMES if name != engine.name]
    raise MissingToolError(
        f"The engine {engine.name} does not work here ({problem}).",
        f"Start or install it, or choose another: {', '.join(others)} or {last}.",
    )


def loading_engines(choice: EngineChoice) -> Sequence[Engine]:
    """The engines to load a new image into: the one of that name, or for "auto" all available ones.

    An engine may accept images even if it cannot start containers.
    """
    if choice == "auto":
        return [engine for engine in all_engines() if engine.keeps_images and engine.version()]
    engine = engine_called(choice)
    return [require(engine, "" if engine.version() else engine.problem())] if engine.keeps_images else []
